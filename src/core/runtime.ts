import { RuntimeClosedError } from '../common/errors.ts';
import type { Addon } from '../native/addon.ts';
import type { ActorName } from './actors/names.ts';
import type { CaptureHost } from './functions/capture.ts';
import type { NodeFacts } from './node-facts.ts';
import { Inbox } from './port/inbox.ts';
import { KeepAlive } from './port/keep-alive.ts';
import { Port } from './port/port.ts';
import { op, type PortKind, submit } from './port/wire.ts';
import { DroppedRefs } from './refs/dropped-refs.ts';
import { FreshObjects } from './refs/fresh-objects.ts';
import { ObjectRef, type RefOwner, releasedError } from './refs/object-ref.ts';
import { RefKeeper } from './refs/ref-keeper.ts';
import { currentTask } from './run/task-context.ts';
import { captureHost } from './submit/capture-host.ts';
import { CaptureWatch, shipFunction } from './submit/capture-watch.ts';
import { Registry } from './submit/registry.ts';
import { argument, portableKind } from './submit/remote.ts';
import { ResourceTable } from './submit/resources.ts';
import type { Template } from './submit/template.ts';
import { observe } from './telemetry/observe.ts';
import { Tracing } from './telemetry/trace.ts';
import { beforeCollection } from './values/collector.ts';
import { Values } from './values/values.ts';
import { Lender } from './wait/lender.ts';
import { describeWait, namesOf, type ReasonNames } from './wait/reasons.ts';
import type { ObjectRefStream } from './wait/stream.ts';
import { Subscriptions } from './wait/subscriptions.ts';
import { areThere } from './wait/there.ts';
import { SingleGet, TaskGet, Wait, type WaitLimits, type WaitVisitor } from './wait/waiting.ts';

/** What travels beside values, and how; `travel.ts` does it. */
export interface Travel {
  isPortable(value: unknown): boolean;
  revive(runtime: ThreadRuntime, kind: number, payload: unknown): unknown;
}

/** After so many objects that were there, the next one comes with the news, so that the event loop gets its turn. */
const MAX_LOOKS = 256;

/** One thread's runtime: it submits tasks, waits for objects, and gives back what nobody holds any more. */
export class ThreadRuntime implements RefOwner {
  readonly addon: Addon;
  readonly port: Port;
  readonly facts: NodeFacts;
  readonly registry: Registry;
  readonly values: Values;
  readonly resources: ResourceTable;
  readonly keepAlive: KeepAlive;
  readonly subscriptions: Subscriptions;
  readonly inbox: Inbox;
  /** Looks for captured data that has changed, where `init` was asked to, or a function was typed at a prompt. */
  watch: CaptureWatch | undefined;
  readonly #travel: Travel;
  readonly lender: Lender;
  readonly #tracing = new Tracing();
  /** Objects read in a row that were there: nothing else may have had its turn. */
  #looks = 0;
  readonly #fresh = new FreshObjects((pairs) => {
    this.assertOpen();
    this.addon.allocObjects(this.port.id, pairs);
  });
  readonly #refs = new RefKeeper(this);
  readonly #forgetCollections = beforeCollection(() => this.#refs.weigh(true));
  readonly #dropped = new DroppedRefs((objects) => {
    if (!this.#closed) this.port.release(objects);
  });
  #closed = false;
  #detached = false;
  #problem = '';

  constructor(
    addon: Addon,
    kind: PortKind,
    host: number,
    facts: NodeFacts,
    travel: Travel,
    things: { share(thing: object): number; find(index: number, ref: ObjectRef<unknown>): object },
    onBell: () => void,
  ) {
    this.addon = addon;
    this.facts = facts;
    this.watch = facts.checkCaptures ? new CaptureWatch() : undefined;
    this.#travel = travel;
    this.port = new Port(addon, kind, host, onBell);
    this.keepAlive = new KeepAlive((keep) => {
      if (!this.#detached) addon.keepAlive(this.port.id, keep);
    });
    this.lender = new Lender(addon, this.port);
    this.resources = new ResourceTable(facts.totals);
    this.values = new Values(this.port, {
      ref: (index) => this.inbox.adopt(index),
      indexOf: (ref) => (ObjectRef.owner(ref) === this ? ObjectRef.index(ref) : -1),
      revive: (kind, payload) => this.#revive(kind, payload),
      share: (thing) => things.share(thing),
      shared: (index) => things.find(index, this.inbox.adopt(index)),
      giveBack: () => this.#giveBack(),
    });
    this.registry = new Registry(this, {
      newRef: () => this.#refs.single(this.newObject()),
      putInto: (object, value, path) => this.putInto(object, value, path),
      ship: (source) => shipFunction(source, this.#captureHost(), this),
    });
    const { port } = this;
    this.subscriptions = new Subscriptions(
      (object, token, value) => port.subscribe(object, token, value),
      this.keepAlive,
      () => addon.askToCollect(port.id),
      (ref, what) => this.#refs.weighed(ref, what),
    );
    this.inbox = new Inbox(this);
  }

  /** Throws where what `source` has captured changed since it was sent. */
  recheck(source: Function | undefined): void {
    this.watch?.check(source, this.#captureHost());
  }

  #captureHost(): CaptureHost {
    return captureHost(
      (value) => this.#travel.isPortable(value),
      (value, name) => this.checkValue(value, name),
    );
  }

  // ---- objects ---------------------------------------------------------------------------------------------------

  /** A fresh object, held by this thread. */
  newObject(): number {
    return this.#fresh.take();
  }

  /** A ref for a fresh object. */
  newRef(): ObjectRef<unknown> {
    return this.#refs.make(this.newObject(), this.port.turn);
  }

  /** A ref for an object of which the core has given this thread a reference. */
  adoptRef(index: number): ObjectRef<unknown> {
    return this.#refs.make(index, this.port.turn);
  }

  release(index: number): void {
    if (!this.#closed) this.#dropped.add(index);
  }

  /** Gives back what was let go of, unless an open record may name it. */
  #giveBack(): void {
    if (!this.port.isOpen) this.#dropped.flush();
  }

  weigh(objects: Uint32Array): void {
    if (!this.#closed) this.addon.weighObjects(this.port.id, objects);
  }

  /** There are news: values of refs may be known that were not. */
  weighRefs(): void {
    this.#refs.weigh();
  }

  isThere(index: number): boolean {
    return !this.#closed && areThere(this, [index])[0] === 1;
  }

  nameOf(index: number): string {
    if (index < 0) return 'released';
    const generation = this.#closed ? 0 : this.addon.objectGeneration(this.port.id, index);
    const hex = (value: number): string => value.toString(16).padStart(8, '0');
    return `${this.facts.nodeId}${hex(generation)}${hex(index)}`;
  }

  /** The object behind a ref that is about to be used. `name`: what errors call it, or its place among arguments. */
  use(ref: ObjectRef<unknown>, name: string | number = 'This ref'): number {
    if (ObjectRef.owner(ref) !== this || this.#closed) throw this.#closedError();
    const index = ObjectRef.index(ref);
    if (index < 0) throw releasedError(name);
    return index;
  }

  /** Stores a value. */
  put(value: unknown): ObjectRef<unknown> {
    const ref = this.newRef();
    this.putInto(ObjectRef.index(ref), value, 'value');
    return ref;
  }

  /** Writes a value into a fresh object. */
  putInto(object: number, value: unknown, path: string): void {
    this.assertOpen();
    this.#giveBack();
    try {
      this.port.begin(5).byte(op.put);
      this.port.word(object);
      this.values.write(value, path);
    } catch (error) {
      this.port.abort();
      throw error;
    }
    this.port.commit();
  }

  /** Throws what `put` would throw, and stores nothing. */
  checkValue(value: unknown, name: string): void {
    this.port.begin(0);
    try {
      this.values.check(value, name);
    } finally {
      this.port.abort();
    }
  }

  // ---- tasks -----------------------------------------------------------------------------------------------------

  /** Writes a task into the commands. `actor` is the object of the actor it is a call on, `stream` its consumer's token, `name` that of the actor it creates. */
  submit(
    template: Template,
    flags: number,
    given: readonly unknown[],
    results: readonly number[],
    actor = -1,
    stream = -1,
    name?: ActorName,
  ): void {
    this.assertOpen();
    this.#giveBack();
    const { port, values } = this;
    const parent = currentTask();
    const args = this.#tracing.add(given, port.turn, parent?.carrier);
    let deps: number[] | undefined;
    let passed = args;
    for (let i = 0; i < args.length; i++) {
      const arg = args[i];
      if (typeof arg !== 'object' || arg === null || !ObjectRef.is(arg)) continue;
      if (deps === undefined) {
        deps = [];
        passed = [...args];
      }
      (passed as unknown[])[i] = argument(deps.length);
      deps.push(this.use(arg, i));
    }
    let all = flags;
    if (deps !== undefined) all |= submit.deps;
    if (results.length > 1) all |= submit.multi;
    if (parent !== undefined) all |= submit.parent;
    const writer = port.begin(16);
    writer.byte(op.submit);
    writer.byte(all);
    writer.view.setUint32(writer.pos, template.id, true);
    writer.view.setUint32(writer.pos + 4, results[0] as number, true);
    writer.pos += 8;
    if (passed.length === 0) {
      // The commonest value by far: no arguments.
      writer.view.setUint32(writer.pos, 0, true);
      writer.pos += 4;
    } else {
      try {
        values.writeArguments(passed, 'args');
      } catch (error) {
        port.abort();
        throw error;
      }
    }
    if (deps !== undefined) port.list(deps);
    if (results.length > 1) port.list(results.slice(1));
    if ((flags & submit.call) !== 0) port.word(actor);
    if (parent !== undefined) {
      port.word(parent.index);
      port.word(parent.generation);
    }
    if ((flags & submit.stream) !== 0) port.word(stream);
    if (name !== undefined) {
      port.text(name.namespace);
      port.text(name.name);
    }
    port.commit();
    observe(this, template, results[0] as number);
  }

  /** Submits a task, or a call on `actor`, that yields a stream. */
  submitStream(template: Template, flags: number, args: readonly unknown[], actor: number): ObjectRefStream<unknown> {
    const end = this.newRef();
    const { streams } = this.inbox;
    const token = streams.name();
    this.submit(template, flags | submit.stream, args, [ObjectRef.index(end)], actor, token);
    return streams.make(token, end);
  }

  /** Tells the task behind a stream that there is room for more items. */
  credit(object: number, items: number): void {
    this.port.begin(9).byte(op.credit);
    this.port.word(object);
    this.port.word(items);
    this.port.commit();
  }

  cancel(ref: ObjectRef<unknown>, force: boolean, recursive: boolean): void {
    const index = this.use(ref);
    const writer = this.port.begin(6);
    writer.byte(op.cancel);
    writer.byte((force ? 1 : 0) | (recursive ? 2 : 0));
    this.port.word(index);
    this.port.commit();
    this.port.flush();
  }

  kill(actor: ObjectRef<unknown>, restart: boolean): void {
    const index = this.use(actor, 'This actor handle');
    const writer = this.port.begin(6);
    writer.byte(op.kill);
    writer.byte(restart ? 1 : 0);
    this.port.word(index);
    this.port.commit();
    this.port.flush();
  }

  /** The value of one ref. */
  get(ref: ObjectRef<unknown>): Promise<unknown> {
    const index = this.use(ref);
    // Who waits for many objects waits for news of all of them: asking for each would cost a call each.
    if (this.subscriptions.idle && ++this.#looks < MAX_LOOKS) {
      const there = this.inbox.look(index);
      if (there !== undefined) return there;
    }
    this.#looks = 0;
    return this.news(ref);
  }

  /** The value of one ref, after all news that the core has for this thread by now. */
  news(ref: ObjectRef<unknown>): Promise<unknown> {
    const task = currentTask();
    return new Promise<unknown>((resolve, reject) => {
      const subscriber =
        task === undefined
          ? new SingleGet(ref, this.inbox, resolve, reject)
          : new TaskGet(this.lender, this.lender.begin(task, [ObjectRef.index(ref)]), ref, this.inbox, resolve, reject);
      this.subscriptions.add(subscriber, 0);
    });
  }

  /** Waits for many objects, with limits. */
  wait(refs: readonly ObjectRef<unknown>[], wantsValues: boolean, limits: WaitLimits, visitor: WaitVisitor): Wait {
    for (const ref of refs) this.use(ref);
    return new Wait(this.subscriptions, refs, wantsValues, limits, visitor, {
      areThere: (objects) => areThere(this, objects),
      whyNot: (object) => this.#whyNot(object),
    });
  }

  #revive(kind: number, payload: unknown): unknown {
    if (kind === portableKind.argument) return this.inbox.argument(payload as number);
    return this.#travel.revive(this, kind, payload);
  }

  // ---- the end ---------------------------------------------------------------------------------------------------

  assertOpen(): void {
    if (this.#closed) throw this.#closedError();
  }

  /** What the core calls by number. */
  readonly names: ReasonNames = namesOf(this);

  /** Why an object is not there; undefined if nothing is known. */
  #whyNot(object: number): string | undefined {
    if (this.#closed || object < 0) return undefined;
    return describeWait(this.addon.explain(this.port.id, object), this.names);
  }

  get closed(): boolean {
    return this.#closed;
  }

  #closedError(): RuntimeClosedError {
    return new RuntimeClosedError(this.#problem || undefined);
  }

  /**
   * Leaves the core: whoever still waits in this thread is told that the runtime is closed, and why, if nobody asked for it
   * (`problem`; else empty).
   */
  close(problem: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#problem = problem;
    for (const subscriber of this.subscriptions.close()) subscriber.fail(this.#closedError());
    this.lender.close();
    this.#refs.close();
    this.#forgetCollections();
    this.inbox.close();
    this.port.detach();
    this.#detached = true;
  }
}
