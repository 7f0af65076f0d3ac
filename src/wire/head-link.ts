import { Alarm } from '../common/alarm.ts';
import {
  ClusterStateLostError,
  ControlStoreUnavailableError,
  isRefusal,
  MobulaError,
  NodeDiedError,
} from '../common/errors.ts';
import { clearTimeout, now, setTimeout } from '../common/timers.ts';
import { ShardClient } from '../gcs/client/door.ts';
import { jobLayout, kvLayout, nodeLayout } from '../gcs/client/layouts.ts';
import { RemoteTable } from '../gcs/client/table.ts';
import type { JobRow, NodeRow } from '../gcs/tables/members.ts';
import { encode } from '../transport/messages/message.ts';
import type { Channel, Closed, Handlers, Self } from '../transport/ports.ts';
import { connect } from '../transport/websocket/dial.ts';
import { granted, load as loadBody, nodeFacts, wanted as wantedBody } from './bodies.ts';
import { FromShard, frameOf, isFromShard } from './client-side.ts';
import { type MemberEffect, type MemberEvent, member, newMember } from './member.ts';
import { Outbox } from './outbox.ts';
import type { Head, HeadListener, JobFacts, Kv, Load, NodeFacts, Wanted } from './ports.ts';
import { headDecoder, headTable } from './table.ts';

export interface HeadOptions {
  readonly host: string;
  readonly port: number;
  readonly self: Self;
  /** How long the first connection is tried for; 0: once. */
  readonly firstTimeoutMs: number;
  /** How long a head that is away is waited for, later. */
  readonly headTimeoutMs: number;
}

interface Waiting<T> {
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Between two tries, at least and at most. */
const LEAST_WAIT_MS = 20;
const MOST_WAIT_MS = 1000;
/** Characters of a complaint: their bytes fit into its field. */
const MOST_WHY = 256;

/**
 * Connects to the head of a cluster.
 *
 * @throws MobulaError as `connect` of the transport does: nobody listens there, another token, another version.
 */
export async function connectHead(options: HeadOptions, listener: HeadListener): Promise<Head> {
  const link = new HeadLink(options, listener);
  await link.open();
  return link;
}

class HeadLink implements Head {
  readonly nodes: RemoteTable<NodeRow>;
  readonly jobs: RemoteTable<JobRow>;
  readonly kv: Kv;
  readonly shard: ShardClient;
  readonly #options: HeadOptions;
  readonly #listener: HeadListener;
  readonly #member = newMember();
  readonly #jobs = new Map<number, Waiting<number>[]>();
  readonly #endings = new Map<number, Waiting<void>[]>();
  #registering: Waiting<number>[] = [];
  #byes: (() => void)[] = [];
  #outbox: Outbox | undefined;
  #link = 0;
  readonly #alarm = new Alarm(() => this.#step({ kind: 'tick' }));
  #retry: NodeJS.Timeout | undefined;
  /** Means of loads that were not sent yet: the last load replaces all but these. */
  #means = new Map<string, number>();
  #bytesPerMs = 0;
  #over: Error | undefined;
  /** The scheduler that asked last; 0: none has. */
  #scheduler = 0;
  #since = 0;

  constructor(options: HeadOptions, listener: HeadListener) {
    this.#options = options;
    this.#listener = listener;
    this.shard = new ShardClient(options.self.nodeId, (why) =>
      this.#end(why === 'expired' ? this.#died('its session has ended') : stateLost(this.#address)),
    );
    this.nodes = new RemoteTable(this.shard, nodeLayout);
    this.jobs = new RemoteTable(this.shard, jobLayout);
    this.kv = new RemoteTable(this.shard, kvLayout);
  }

  get #address(): string {
    return `${this.#options.host}:${this.#options.port}`;
  }

  async open(): Promise<void> {
    const { firstTimeoutMs } = this.#options;
    const until = now() + firstTimeoutMs;
    for (let wait = LEAST_WAIT_MS; ; wait = Math.min(2 * wait, MOST_WAIT_MS)) {
      try {
        await this.#dial();
        return;
      } catch (error) {
        if (isRefusal(error) || now() + wait > until) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, jittered(wait)));
    }
  }

  registerNode(facts: NodeFacts): Promise<number> {
    return this.#wait((waiting) => {
      this.#registering.push(waiting);
      this.#step({ kind: 'register', body: nodeFacts.write(facts) });
    });
  }

  registerJob(facts: JobFacts): Promise<number> {
    return this.#wait((waiting) => {
      add(this.#jobs, facts.no, waiting);
      this.#step({ kind: 'job', facts });
    });
  }

  endJob(job: number): Promise<void> {
    return this.#wait((waiting) => {
      add(this.#endings, job, waiting);
      this.#step({ kind: 'end-job', job });
    });
  }

  report(load: Load, soon: boolean): void {
    for (const [fn, ms] of load.means) this.#means.set(fn, ms);
    this.#bytesPerMs = Math.max(this.#bytesPerMs, load.bytesPerMs);
    const once = loadBody.write({ ...load, means: [...this.#means], bytesPerMs: this.#bytesPerMs });
    const repeat = loadBody.write({ ...load, means: [], bytesPerMs: 0 });
    this.#step({ kind: 'report', load: { once, repeat }, soon });
  }

  request(wanted: Wanted): void {
    if (this.#member.registered) this.#outbox?.send(encode(headTable.REQUEST, { body: wantedBody.write(wanted) }));
  }

  exited(node: string, cause: string, begun: Uint8Array | undefined): void {
    const list = { known: begun !== undefined, begun: begun ?? Buffer.alloc(0) };
    this.#outbox?.send(encode(headTable.EXITED, { node, cause, ...list }));
  }

  complain(of: string, why: string): void {
    this.#step({ kind: 'complain', of, why: why.slice(0, MOST_WHY) });
  }

  buried(node: string): void {
    this.#step({ kind: 'buried', node });
  }

  bye(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#over !== undefined) resolve();
      else {
        this.#byes.push(resolve);
        this.#step({ kind: 'bye' });
      }
    });
  }

  close(): void {
    this.#finish(new ControlStoreUnavailableError('The connection to the head was closed by this process'));
  }

  #wait<T>(begin: (waiting: Waiting<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#over === undefined) begin({ resolve, reject });
      else reject(this.#over);
    });
  }

  async #dial(): Promise<void> {
    const { host, port, self } = this.#options;
    await connect(host, port, self, (channel) => this.#up(channel));
  }

  #up(channel: Channel): Handlers {
    if (this.#over !== undefined) channel.close('done', 'this process has closed the connection');
    this.#link += 1;
    const link = this.#link;
    const outbox = new Outbox(channel);
    this.#outbox = outbox;
    const from = new FromShard(link, this.#options.self.nodeId);
    this.shard.up(link, (event) => outbox.send(frameOf(event)));
    this.#step({ kind: 'up' });
    if (link > 1) this.#listener.connected(true);
    return {
      frame: (bytes) => this.#frame(from, bytes),
      drained: () => outbox.drained(),
      closed: (closed) => this.#down(link, closed),
    };
  }

  #frame(from: FromShard, bytes: Uint8Array): void {
    const message = headDecoder.decode(bytes, 'acceptor');
    if (isFromShard(message)) {
      const said = from.effectOf(message);
      if (said !== undefined) this.shard.heard(said);
      return;
    }
    switch (message.name) {
      case 'REGISTERED':
        this.#step({ kind: 'registered', ...message.values });
        break;
      case 'REPORTED':
        this.#step({ kind: 'reported', no: message.values.no });
        break;
      case 'JOB_IS':
        this.#step({ kind: 'job-is', ...message.values });
        break;
      case 'JOB_ENDED':
        this.#step({ kind: 'job-ended', ...message.values });
        break;
      case 'BYE_HEARD':
        this.close();
        break;
      case 'GRANTED':
        this.#listener.granted(granted.read(message.values.body));
        break;
      case 'ASK_ALL':
        this.#listener.askAll(message.values.scheduler !== this.#scheduler);
        this.#scheduler = message.values.scheduler;
        break;
      case 'SUSPECTED':
        this.#listener.suspected(message.values.node, message.values.suspected);
        break;
    }
  }

  #down(link: number, closed: Closed): void {
    if (link !== this.#link) return;
    this.#outbox?.clear();
    this.#outbox = undefined;
    this.shard.down(link);
    this.#step({ kind: 'down' });
    if (this.#over !== undefined) return;
    if (closed.code === 'dead') {
      this.#end(this.#died(closed.text));
      return;
    }
    if (closed.code === 'protocol' && closed.by === 'peer') {
      // The head would refuse the same again.
      this.#end(new MobulaError('ERR_MOBULA_CONNECTION', `The head has ended the connection: ${closed.text}`));
      return;
    }
    this.#since = now();
    this.#listener.connected(false);
    this.#again(LEAST_WAIT_MS);
  }

  #again(wait: number): void {
    this.#retry = setTimeout(() => {
      if (this.#over !== undefined) return;
      this.#dial().catch((error: unknown) => {
        if (this.#over !== undefined) return;
        const away = now() - this.#since;
        if (isRefusal(error)) this.#end(error as Error);
        else if (away > this.#options.headTimeoutMs) this.#end(gone(this.#address, away, error));
        else this.#again(Math.min(2 * wait, MOST_WAIT_MS));
      });
    }, jittered(wait));
  }

  #step(event: MemberEvent): void {
    for (const effect of member(this.#member, event, { now: now(), random: Math.random })) this.#do(effect);
  }

  #do(effect: MemberEffect): void {
    switch (effect.kind) {
      case 'register':
        this.#outbox?.send(encode(headTable.REGISTER, effect));
        break;
      case 'report':
        this.#means.clear();
        this.#bytesPerMs = 0;
        this.#outbox?.send(encode(headTable.REPORT, effect));
        break;
      case 'job':
        this.#outbox?.send(encode(headTable.JOB, effect.facts));
        break;
      case 'end-job':
        this.#outbox?.send(encode(headTable.END_JOB, effect));
        break;
      case 'complain':
        this.#outbox?.send(encode(headTable.COMPLAIN, effect));
        break;
      case 'bye':
        this.#outbox?.send(encode(headTable.BYE, {}));
        break;
      case 'is-registered':
        for (const { resolve } of this.#registering.splice(0)) resolve(effect.reconnectMs);
        break;
      case 'job-known':
        for (const { resolve } of take(this.#jobs, effect.no)) resolve(effect.job);
        break;
      case 'job-over':
        for (const { resolve } of take(this.#endings, effect.job)) resolve();
        break;
      case 'answered':
        this.#listener.answered(effect.sentAt);
        break;
      case 'wake':
        this.#alarm.at(effect.at);
        break;
    }
  }

  #died(why: string): NodeDiedError {
    return new NodeDiedError(`The head of the cluster holds node ${this.#options.self.nodeId} for dead: ${why}`);
  }

  #end(error: Error): void {
    if (this.#over !== undefined) return;
    this.#finish(error);
    this.#listener.ended(error);
  }

  #finish(error: Error): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    this.#alarm.stop();
    clearTimeout(this.#retry);
    this.shard.close(error);
    const waiting = [...this.#registering.splice(0), ...[...this.#jobs.values(), ...this.#endings.values()].flat()];
    this.#jobs.clear();
    this.#endings.clear();
    for (const { reject } of waiting) reject(error);
    for (const bye of this.#byes.splice(0)) bye();
    this.#outbox?.close('done', 'nothing more is to be said');
  }
}

function add<T>(map: Map<number, Waiting<T>[]>, key: number, waiting: Waiting<T>): void {
  const there = map.get(key);
  if (there === undefined) map.set(key, [waiting]);
  else there.push(waiting);
}

function take<T>(map: Map<number, Waiting<T>[]>, key: number): readonly Waiting<T>[] {
  const found = map.get(key) ?? [];
  map.delete(key);
  return found;
}

function jittered(ms: number): number {
  return ms * (0.5 + Math.random());
}

function gone(address: string, ms: number, cause: unknown): ControlStoreUnavailableError {
  return new ControlStoreUnavailableError(
    `The head at ${address} was away for ${Math.round(ms / 1000)} s. Start it again with the same data directory, or wait longer with --head-timeout`,
    { cause },
  );
}

function stateLost(address: string): ClusterStateLostError {
  return new ClusterStateLostError(
    `The head at ${address} was started again without its state. Give it its data directory, and start this process again`,
  );
}
