import { jobName } from '../../../src/common/ids.ts';
import { newScheduler, type SchedulerEvent, scheduler } from '../../../src/scheduler/index.ts';
import { encode } from '../../../src/transport/messages/message.ts';
import { granted, load, wanted } from '../../../src/wire/bodies.ts';
import type { Granted } from '../../../src/wire/ports.ts';
import { headDecoder, headTable, Passed } from '../../../src/wire/table.ts';
import type { Input } from '../program.ts';
import type { Hears, Io } from './io.ts';
import { type Frame, isClose, isRows, type Rows } from './messages.ts';

const NONE = new Uint8Array();

/** The global scheduler as it is, on one channel to the head: when that ends, so does the process. What `wire/scheduler-runner.ts` does. */
export class Scheduler implements Hears {
  readonly #state = newScheduler();
  readonly #io: Io;
  readonly #alive = new Set<string>();
  #channel: number | undefined;

  constructor(io: Io) {
    this.#io = io;
  }

  hear(input: Input): void {
    switch (input.on) {
      case 'start':
        this.#io.do({ do: 'dial', to: 'head' });
        break;
      case 'refused':
        this.#io.at('dial', this.#io.now + 50);
        break;
      case 'timer':
        if (input.timer === 'dial') this.#io.do({ do: 'dial', to: 'head' });
        else this.#step({ kind: 'tick' });
        break;
      case 'open': {
        this.#channel = input.channel;
        const number = 1 + Math.floor(this.#io.random() * (2 ** 32 - 1));
        this.#say('SCHEDULER', encode(headTable.SCHEDULER, { scheduler: number }));
        break;
      }
      case 'message':
        if (input.channel !== this.#channel) break;
        if (isClose(input.message)) this.#io.do({ do: 'exit', why: input.message.text });
        else if (isRows(input.message)) this.#rows(input.message);
        else this.#frame((input.message as Frame).frame);
        break;
      case 'closed':
        this.#io.do({ do: 'exit', why: 'the head is gone' });
        break;
      default:
        break;
    }
  }

  #rows({ whole, nodes, jobs }: Rows): void {
    if (whole) this.#alive.clear();
    for (const { nodeId, alive } of nodes) {
      if (alive) this.#alive.add(nodeId);
      else this.#alive.delete(nodeId);
    }
    if (whole || nodes.length > 0) this.#step({ kind: 'members', alive: [...this.#alive] });
    for (const { job, ended } of jobs) if (ended) this.#step({ kind: 'job-ended', job: jobName(job) });
  }

  #frame(frame: Uint8Array): void {
    const message = headDecoder.decode(frame, 'acceptor');
    if (message.name === 'AGAIN') {
      this.#step({ kind: 'again', to: message.values.node });
    } else if (message.name === 'FROM') {
      const { node, kind, no, body } = message.values;
      if (kind === Passed.report) this.#step({ kind: 'report', node, no, ...load.read(body) });
      else this.#step({ kind: 'request', from: node, ...wanted.read(body) });
    }
  }

  #step(event: SchedulerEvent): void {
    const words = new Map<string, Granted[]>();
    for (const effect of scheduler(this.#state, event, this.#io)) {
      if (effect.kind === 'wake') this.#io.at('tick', effect.at);
      else if (effect.kind === 'ask-all') this.#to(effect.to, Passed.askAll, NONE);
      else words.set(effect.to, [...(words.get(effect.to) ?? []), effect]);
    }
    for (const [to, list] of words) this.#to(to, Passed.granted, granted.write(list));
  }

  #to(node: string, kind: number, body: Uint8Array): void {
    this.#say('TO', encode(headTable.TO, { node, kind, body }));
  }

  #say(type: string, frame: Uint8Array): void {
    if (this.#channel !== undefined) this.#io.send(this.#channel, { type, frame } as Frame);
  }
}
