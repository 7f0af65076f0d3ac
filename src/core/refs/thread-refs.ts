import { cellName } from '../../common/ids.ts';
import type { Addon } from '../../native/addon.ts';
import type { Life } from '../life.ts';
import type { Port } from '../port/port.ts';
import { beforeCollection } from '../values/collector.ts';
import { DroppedRefs } from './dropped-refs.ts';
import { FreshObjects } from './fresh-objects.ts';
import { ObjectRef, type RefOwner, releasedError } from './object-ref.ts';
import { RefKeeper } from './ref-keeper.ts';
import type { Weight } from './weight.ts';

/** What a thread's refs need of its runtime. */
export interface RefPorts {
  readonly addon: Addon;
  readonly port: Port;
  readonly life: Life;
  readonly nodeId: string;
  /** Whether an object is there, with a value or an error. */
  isThere(index: number): boolean;
}

/** A thread's refs: made, used, and given back to the core when nobody holds them any more. */
export class ThreadRefs implements RefOwner {
  readonly #ports: RefPorts;
  readonly #fresh: FreshObjects;
  readonly #keeper = new RefKeeper(this);
  readonly #forgetCollections = beforeCollection(() => this.#keeper.weigh(true));
  readonly #dropped: DroppedRefs;

  constructor(ports: RefPorts) {
    this.#ports = ports;
    const { addon, port, life } = ports;
    this.#fresh = new FreshObjects((pairs) => {
      life.assertOpen();
      addon.allocObjects(port.id, pairs);
    });
    this.#dropped = new DroppedRefs((objects) => {
      if (!life.closed) port.release(objects);
    });
  }

  /** A ref for a fresh object. */
  make(): ObjectRef<unknown> {
    return this.#keeper.make(this.#fresh.take(), this.#ports.port.turn);
  }

  /** The same, for a ref that is given back by itself, whatever becomes of those made with it. */
  makeSingle(): ObjectRef<unknown> {
    return this.#keeper.single(this.#fresh.take());
  }

  /** A ref for an object of which the core has given this thread a reference. */
  adopt(index: number): ObjectRef<unknown> {
    return this.#keeper.make(index, this.#ports.port.turn);
  }

  /**
   * The object behind a ref that is about to be used. `name`: what errors call it, or its place among arguments.
   *
   * @throws {RuntimeClosedError} for a ref of another runtime, or a closed one
   * @throws {MobulaError} for a ref that was released
   */
  use(ref: ObjectRef<unknown>, name: string | number = 'This ref'): number {
    if (ObjectRef.owner(ref) !== this || this.closed) throw this.#ports.life.error();
    const index = ObjectRef.index(ref);
    if (index < 0) throw releasedError(name);
    return index;
  }

  /** The object behind a ref; negative if it was released, or is of another runtime. */
  indexOf(ref: ObjectRef<unknown>): number {
    return ObjectRef.owner(ref) === this ? ObjectRef.index(ref) : -1;
  }

  release(index: number): void {
    if (!this.closed) this.#dropped.add(index);
  }

  /** Gives back what was let go of, unless an open record may name it. */
  giveBack(): void {
    if (!this.#ports.port.isOpen) this.#dropped.flush();
  }

  weigh(objects: Uint32Array): void {
    const { addon, port } = this.#ports;
    if (!this.closed) addon.weighObjects(port.id, objects);
  }

  /** The value of a ref that was waited for has arrived, or only the news that it is there. */
  weighed(ref: ObjectRef<unknown>, what: Weight): void {
    this.#keeper.weighed(ref, what);
  }

  /** There are news: values of refs may be known that were not. */
  look(): void {
    this.#keeper.weigh();
  }

  isThere(index: number): boolean {
    return !this.closed && this.#ports.isThere(index);
  }

  isRecoverable(index: number): boolean {
    const { addon, port } = this.#ports;
    return !this.closed && addon.isRecoverable(port.id, index);
  }

  nameOf(index: number): string {
    if (index < 0) return 'released';
    const { addon, port, nodeId } = this.#ports;
    const generation = this.closed ? 0 : addon.objectGeneration(port.id, index);
    return cellName(nodeId, index, generation);
  }

  get closed(): boolean {
    return this.#ports.life.closed;
  }

  /** The runtime is closed. */
  close(): void {
    this.#keeper.close();
    this.#forgetCollections();
  }
}
