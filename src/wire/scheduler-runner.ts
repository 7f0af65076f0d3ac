import { randomInt } from 'node:crypto';
import { Alarm } from '../common/alarm.ts';
import { isMobulaError } from '../common/errors.ts';
import { printStep, printsSteps } from '../common/figure7.ts';
import { jobName, shortNode } from '../common/ids.ts';
import { now } from '../common/timers.ts';
import { ShardClient } from '../gcs/client/door.ts';
import { jobLayout, nodeLayout } from '../gcs/client/layouts.ts';
import { RemoteTable } from '../gcs/client/table.ts';
import {
  newScheduler,
  type Request,
  type SchedulerEffect,
  type SchedulerEvent,
  scheduler,
} from '../scheduler/index.ts';
import { encode } from '../transport/messages/message.ts';
import type { Accept, Closed } from '../transport/ports.ts';
import { granted, load, wanted } from './bodies.ts';
import { FromShard, frameOf, isFromShard } from './client-side.ts';
import { Outbox } from './outbox.ts';
import type { Granted } from './ports.ts';
import { headDecoder, headTable, Passed, type SchedulerMessages } from './table.ts';

/** So many words go into one frame. */
const MOST_WORDS = 5_000;
const NONE = new Uint8Array();

/** Runs the step of the scheduler, on one connection to the head. When that ends, so does the scheduler: its successor asks everybody. */
export class SchedulerRunner {
  readonly #state = newScheduler();
  readonly #shard: ShardClient;
  readonly #client: string;
  readonly #alive = new Set<string>();
  readonly #ended: (why: string) => void;
  #outbox: Outbox | undefined;
  readonly #alarm = new Alarm(() => this.#step({ kind: 'tick' }));

  constructor(client: string, ended: (why: string) => void) {
    this.#client = client;
    this.#ended = ended;
    this.#shard = new ShardClient(client, (why) => ended(`its session: ${why}`));
  }

  readonly accept: Accept = (channel) => {
    const outbox = new Outbox(channel);
    this.#outbox = outbox;
    const from = new FromShard(1, this.#client);
    this.#shard.up(1, (event) => outbox.send(frameOf(event)));
    outbox.send(encode(headTable.SCHEDULER, { scheduler: randomInt(1, 2 ** 32) }));
    this.#follow();
    return {
      frame: (bytes) => this.#frame(from, bytes),
      drained: () => outbox.drained(),
      closed: (closed) => this.#closed(closed),
    };
  };

  #closed({ text }: Closed): void {
    this.#alarm.stop();
    this.#shard.close(new Error(text));
    this.#ended(text);
  }

  /** Follows the tables of nodes and jobs. */
  #follow(): void {
    const failed = (error: Error): void => this.#ended(error.message);
    new RemoteTable(this.#shard, nodeLayout)
      .watch((change) => {
        if (change.kind === 'reset') {
          this.#alive.clear();
          for (const [id, { alive }] of change.rows) if (alive) this.#alive.add(id);
        } else if (change.kind === 'put' && change.row.alive) this.#alive.add(change.key);
        else if (!this.#alive.delete(change.key)) return;
        this.#step({ kind: 'members', alive: [...this.#alive] });
      })
      .catch(failed);
    new RemoteTable(this.#shard, jobLayout)
      .watch((change) => {
        if (change.kind === 'put' && change.row.ended) this.#step({ kind: 'job-ended', job: jobName(change.row.job) });
      })
      .catch(failed);
  }

  #frame(from: FromShard, bytes: Uint8Array): void {
    const message = headDecoder.decode(bytes, 'acceptor');
    if (isFromShard(message)) {
      const said = from.effectOf(message);
      if (said !== undefined) this.#shard.heard(said);
    } else if (message.name === 'FROM') this.#from(message.values);
    else if (message.name === 'AGAIN') this.#step({ kind: 'again', to: message.values.node });
  }

  #from({ node, kind, no, body }: SchedulerMessages['FROM']): void {
    let event: SchedulerEvent;
    try {
      event =
        kind === Passed.report
          ? { kind: 'report', node, no, ...load.read(body) }
          : { kind: 'request', from: node, ...wanted.read(body) };
    } catch (error) {
      if (!isMobulaError(error) || error.code !== 'ERR_MOBULA_FRAME') throw error;
      // The node's fault, not the head's: its connection ends.
      this.#send(node, Passed.malformed, new TextEncoder().encode(error.message));
      return;
    }
    if (printsSteps && event.kind === 'request') printLookUps(event);
    this.#step(event);
  }

  #step(event: SchedulerEvent): void {
    const words = new Map<string, Granted[]>();
    const say = (to: string, word: Granted): void => {
      const list = words.get(to);
      if (list === undefined) words.set(to, [word]);
      else list.push(word);
    };
    for (const effect of scheduler(this.#state, event, { now: now(), random: Math.random })) this.#do(effect, say);
    for (const [to, list] of words)
      for (let i = 0; i < list.length; i += MOST_WORDS)
        this.#send(to, Passed.granted, granted.write(list.slice(i, i + MOST_WORDS)));
  }

  #do(effect: SchedulerEffect, say: (to: string, word: Granted) => void): void {
    if (effect.kind === 'wake') {
      this.#alarm.at(effect.at);
    } else if (effect.kind === 'ask-all') this.#send(effect.to, Passed.askAll, NONE);
    else say(effect.to, effect);
  }

  #send(node: string, kind: number, body: Uint8Array): void {
    this.#outbox?.send(encode(headTable.TO, { node, kind, body }));
  }
}

function printLookUps({ wishes }: Request): void {
  for (const { ask, count, large } of wishes) {
    if (count === 0) continue;
    const where = large.map(({ bytes, places }) => `${bytes} bytes at ${places.map(shortNode).join(' and ')}`);
    printStep('lookedUp', 'head', `the large arguments of ${ask.fn}: ${where.join(', ') || 'none'}`);
  }
}
