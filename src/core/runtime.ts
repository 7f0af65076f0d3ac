import type { Addon } from '../native/addon.ts';
import type { Program } from './files/program.ts';
import type { CaptureHost } from './functions/capture.ts';
import { Life } from './life.ts';
import type { NodeFacts } from './node-facts.ts';
import { Inbox } from './port/inbox.ts';
import { KeepAlive } from './port/keep-alive.ts';
import { Port } from './port/port.ts';
import { op, type PortKind } from './port/wire.ts';
import { ObjectRef } from './refs/object-ref.ts';
import { ThreadRefs } from './refs/thread-refs.ts';
import { captureHost } from './submit/capture-host.ts';
import { CaptureWatch, shipFunction } from './submit/capture-watch.ts';
import { isRegistration } from './submit/registration-refs.ts';
import { Registry } from './submit/registry.ts';
import { ResourceTable } from './submit/resources.ts';
import { Submitter } from './submit/submitter.ts';
import { Values } from './values/values.ts';
import { Lender } from './wait/lender.ts';
import { Subscriptions } from './wait/subscriptions.ts';
import { areThere } from './wait/there.ts';
import { Waits } from './wait/waits.ts';

/** What travels beside values, and how; `travel.ts` does it. */
export interface Travel {
  isPortable(value: unknown): boolean;
  revive(runtime: ThreadRuntime, kind: number, payload: unknown): unknown;
}

/** One thread's runtime: the parts that it is made of, and what they do together. */
export class ThreadRuntime {
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
  program: Program | undefined;
  readonly #travel: Travel;
  readonly life: Life = new Life();
  readonly refs: ThreadRefs;
  readonly submitter: Submitter;
  readonly waits: Waits;
  readonly lender: Lender;
  #detached = false;

  /** `serves`: of a thread of actors the number of its host, of one of tasks that of its job, if that is another process's; else -1. */
  constructor(
    addon: Addon,
    kind: PortKind,
    serves: number,
    facts: NodeFacts,
    travel: Travel,
    things: { share(thing: object): number; find(index: number, ref: ObjectRef<unknown>): object },
    onBell: () => void,
  ) {
    this.addon = addon;
    this.facts = facts;
    this.watch = facts.checkCaptures ? new CaptureWatch() : undefined;
    this.#travel = travel;
    this.port = new Port(addon, kind, serves, onBell);
    this.keepAlive = new KeepAlive(this.port.control, () => {
      if (!this.#detached) addon.keepAlive(this.port.id);
    });
    this.lender = new Lender(addon, this.port);
    this.refs = new ThreadRefs({
      addon,
      port: this.port,
      life: this.life,
      nodeId: facts.nodeId,
      isThere: (index) => areThere(this, [index])[0] === 1,
    });
    this.resources = new ResourceTable(facts.totals);
    this.values = new Values(this.port, {
      ref: (index) => this.inbox.adopt(index),
      indexOf: (ref) => this.refs.indexOf(ref),
      revive: (kind, payload) => this.#travel.revive(this, kind, payload),
      share: (thing) => things.share(thing),
      shared: (index) => things.find(index, this.inbox.adopt(index)),
      isAlone: facts.cluster === undefined,
      mayLeave: isRegistration,
      giveBack: () => this.refs.giveBack(),
    });
    this.registry = new Registry(this, {
      newRef: () => this.refs.makeSingle(),
      putInto: (object, value, path) => this.putInto(object, value, path),
      ship: (source) => shipFunction(source, this.#captureHost(), this),
    });
    const { port } = this;
    this.subscriptions = new Subscriptions(
      (object, token, value) => port.subscribe(object, token, value),
      this.keepAlive,
      () => addon.askToCollect(port.id),
      (ref, what) => this.refs.weighed(ref, what),
    );
    this.inbox = new Inbox(this);
    this.submitter = new Submitter(this);
    this.waits = new Waits(this);
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

  /** Stores a value. */
  put(value: unknown): ObjectRef<unknown> {
    const ref = this.refs.make();
    this.putInto(ObjectRef.index(ref), value, 'value');
    return ref;
  }

  /** Writes a value into a fresh object. */
  putInto(object: number, value: unknown, path: string): void {
    this.life.assertOpen();
    this.refs.giveBack();
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

  get closed(): boolean {
    return this.life.closed;
  }

  /**
   * Leaves the core: whoever still waits in this thread is told that the runtime is closed, and why, if nobody asked for it
   * (`problem`; else empty).
   */
  close(problem: string): void {
    if (this.closed) return;
    this.life.end(problem);
    for (const subscriber of this.subscriptions.close()) subscriber.fail(this.life.error());
    this.lender.close();
    this.refs.close();
    this.inbox.close();
    this.port.detach();
    this.#detached = true;
  }
}
