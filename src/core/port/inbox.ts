import { MobulaError } from '../../common/errors.ts';
import type { NodeFacts } from '../node-facts.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRefs } from '../refs/thread-refs.ts';
import { weight } from '../refs/weight.ts';
import type { Carrier } from '../telemetry/trace.ts';
import { type FailureContext, systemFailure, type UserFailure, userFailure } from '../values/failures.ts';
import type { Values } from '../values/values.ts';
import type { StreamRuntime } from '../wait/stream-runtime.ts';
import { Streams } from '../wait/streams.ts';
import type { OutcomeReader } from '../wait/waiting.ts';
import type { NewsReader, Port } from './port.ts';
import { event, LINKED, status } from './wire.ts';

/** The thread's runtime, as its inbox uses it. */
export interface InboxRuntime extends StreamRuntime {
  readonly facts: NodeFacts;
  readonly port: Port;
  readonly values: Values;
  readonly refs: ThreadRefs;
  readonly registry: {
    /** The core says that a template has ended. */
    forget(id: number): void;
  };
}

/** What a thread does with news that only some threads get. */
export interface NewsHandler {
  /**
   * Reads a record of kind `kind` at `pos` of the inbox; gives where it ends. It may call `pause` or `cutOff` of the inbox for
   * what follows.
   */
  handle(kind: number, pos: number): number;
}

const nothing: readonly unknown[] = Object.freeze([]);
const nothingBefore = (): boolean => false;

/**
 * What becomes of the records that follow the one being read. They are read (`goesOn`), later (`waits`), or not at all
 * (`cut`): the core takes them back with the next step.
 */
const flow = { goesOn: 0, waits: 1, cut: 2 } as const;

/** Reads what the core has left in a thread's inbox. */
export class Inbox implements NewsReader, OutcomeReader {
  readonly #runtime: InboxRuntime;
  /** The streams whose items come to this thread. */
  readonly streams: Streams;
  /** How many outcomes and items were passed to those who wait in this thread. */
  deliveries = 0;
  /** The trace context that came with the arguments read last. */
  carrier: Carrier | undefined;
  /** What has to be done before news are read: true if it ran code of the user's, which may have read others. */
  beforeNews: () => boolean = nothingBefore;
  /** The object with this code is gone. `life`: which of those that have had its place. */
  forgetCode: (object: number, life: number) => void = () => undefined;
  /** A template has ended; this thread has asked for it. */
  forgetTemplate: (number: number) => void = () => undefined;
  #news: NewsHandler | undefined;
  #flow: (typeof flow)[keyof typeof flow] = flow.goesOn;
  /** Where the records begin that are not read yet, and where the last one ends. */
  #next = 0;
  #end = 0;
  /** Values of the arguments that were refs, while a task's arguments are decoded. */
  #arguments: readonly unknown[] = nothing;
  /** The refs among the arguments read last. */
  #adopted: ObjectRef<unknown>[] | undefined;

  constructor(runtime: InboxRuntime) {
    this.#runtime = runtime;
    this.streams = new Streams(runtime);
  }

  /** Who reads the news that are not about objects. */
  handleNews(news: NewsHandler): void {
    this.#news = news;
  }

  read(end: number): void {
    this.beforeNews();
    this.#read(0, end);
    this.#runtime.refs.look();
  }

  get expects(): boolean {
    return !this.#runtime.subscriptions.idle;
  }

  #read(from: number, end: number): void {
    this.#flow = flow.goesOn;
    let pos = from;
    while (pos < end && this.#flow === flow.goesOn) pos = this.readOne(pos);
    this.#next = pos;
    this.#end = end;
  }

  /** What follows the record being read has to wait. */
  pause(): void {
    this.#flow = flow.waits;
  }

  /** What follows the record being read, or what waits, is not read: the core takes it back with the next step. */
  cutOff(): void {
    this.#flow = flow.cut;
  }

  /** Whether a part of the inbox waits. It is gone with the next step. */
  get waits(): boolean {
    return this.#flow === flow.waits;
  }

  /** Reads what has waited. */
  resume(): void {
    this.#read(this.#next, this.#end);
  }

  /** Reads one record; gives where the next begins. */
  readOne(pos: number): number {
    const kind = this.#runtime.port.inbox[pos] as number;
    if (kind === event.value || kind === event.ready) return this.#settled(kind, pos);
    if (kind === event.item) return this.#item(pos);
    if (kind === event.forget) return this.#forget(pos);
    if (this.#news === undefined) throw new MobulaError('ERR_MOBULA_INTERNAL', `nobody reads news of kind ${kind}`);
    return this.#news.handle(kind, pos);
  }

  #settled(kind: number, pos: number): number {
    const { port, values, subscriptions } = this.#runtime;
    const at = pos + 8;
    const end = kind === event.value ? values.skip(at) : at;
    const what = kind === event.value ? values.weight(at) : weight.unknown;
    this.deliveries++;
    subscriptions.deliver(port.inboxView.getUint32(pos + 4, true), port.inbox[pos + 1] as number, at, what);
    return end;
  }

  #forget(pos: number): number {
    const { port, registry } = this.#runtime;
    const view = port.inboxView;
    const number = view.getUint32(pos + 4, true);
    if (port.inbox[pos + 1] === 0) {
      registry.forget(number);
      this.forgetTemplate(number);
      return pos + 8;
    }
    this.forgetCode(number, view.getUint32(pos + 8, true));
    return pos + 12;
  }

  #item(pos: number): number {
    const view = this.#runtime.port.inboxView;
    const ref = this.#runtime.refs.adopt(view.getUint32(pos + 8, true));
    const stream = this.streams.get(view.getUint32(pos + 4, true));
    if (stream === undefined) ref[Symbol.dispose]();
    else stream.push(ref);
    this.deliveries++;
    return pos + 16;
  }

  /** The outcome of an object, if it is there and can be read. */
  look(object: number): Promise<unknown> | undefined {
    const { port } = this.#runtime;
    port.flush();
    let pos = port.look(object);
    if (pos >= 0 && this.beforeNews()) pos = port.look(object);
    if (pos < 0) return undefined;
    const outcome = port.inbox[pos + 1] as number;
    try {
      if (outcome === status.value) return Promise.resolve(this.value(pos + 8));
      return Promise.reject(this.error(outcome, pos + 8));
    } catch {
      // No room for a view, say: whoever subscribes is served when there is.
      return undefined;
    }
  }

  /** The value of an object, if it is there and can be read at once. */
  lookNow(object: number): { readonly value: unknown } | undefined {
    const { port } = this.#runtime;
    const pos = port.look(object);
    if (pos < 0 || port.inbox[pos + 1] !== status.value) return undefined;
    try {
      return { value: this.value(pos + 8) };
    } catch {
      // As in `look`.
      return undefined;
    }
  }

  value(pos: number): unknown {
    const { values } = this.#runtime;
    if (!values.hasRefs(pos)) return values.read(pos);
    const outer = this.#adopted;
    const adopted: ObjectRef<unknown>[] = [];
    this.#adopted = adopted;
    try {
      return values.read(pos);
    } catch (error) {
      this.#giveBackUnread(pos, adopted);
      throw error;
    } finally {
      this.#adopted = outer;
    }
  }

  /** A value was not read to its end: the core has lent this thread refs of which no handle was made. */
  #giveBackUnread(pos: number, adopted: readonly ObjectRef<unknown>[]): void {
    const unread = this.#runtime.values.refsOf(pos);
    for (const ref of adopted) unread.splice(unread.indexOf(ObjectRef.index(ref)), 1);
    for (const object of unread) this.#runtime.refs.release(object);
  }

  error(outcome: number, pos: number): unknown {
    const { port, values, facts } = this.#runtime;
    if (outcome === status.userError) return userFailure(values.read(pos) as UserFailure);
    const length = port.inboxView.getUint32(pos, true) & ~LINKED;
    const context: FailureContext = {
      nodeId: facts.nodeId,
      decode: (start, end) => values.readPart(pos, start, end),
    };
    return systemFailure(port.inbox, pos + 4, pos + 4 + length, context);
  }

  /** Lets go of the refs among arguments that were not read to the end: the core takes them back with the task. */
  forgetArguments(): void {
    for (const ref of this.#adopted ?? []) ObjectRef.forget(ref);
    this.#adopted = undefined;
  }

  /** A ref that the core has lent to this thread came up in a value. */
  adopt(index: number): ObjectRef<unknown> {
    const ref = this.#runtime.refs.adopt(index);
    this.#adopted?.push(ref);
    return ref;
  }

  /** Decodes the arguments at `pos` with the values of those that were refs, which follow them. */
  readArguments(pos: number, count: number): readonly unknown[] {
    const { port, values } = this.#runtime;
    let at = values.skip(pos);
    this.carrier = undefined;
    this.#adopted = [];
    const refs: unknown[] = [];
    for (let i = 0; i < count; i++) {
      refs.push(values.read(at));
      at = values.end;
    }
    try {
      if (port.inboxView.getUint32(pos, true) === 0) return nothing;
      this.#arguments = refs;
      const args = values.read(pos) as unknown[];
      if (this.carrier !== undefined) args.pop();
      this.#adopted = undefined;
      return args;
    } finally {
      this.#arguments = nothing;
      values.end = at;
    }
  }

  /** The value of the `position`-th argument that was a ref. */
  argument(position: number): unknown {
    return this.#arguments[position];
  }

  /** Whoever waits for items is told that the runtime is closed. */
  close(): void {
    this.streams.close();
  }
}
