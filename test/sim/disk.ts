import type { DiskError, Output } from './program.ts';
import type { Chance } from './random.ts';

export type DiskOperation = Extract<Output, { do: 'append' | 'sync' | 'replace' }>;

/**
 * A write to a file. `cached`: read by everybody, lost or torn at a power cut. `durable`: kept. `doomed`: a sync of it has failed;
 * it is still read, but no later sync makes it durable (Linux marks such pages clean).
 */
interface Write {
  bytes: Uint8Array;
  state: 'cached' | 'durable' | 'doomed';
}

/** A host's disk. Operations are done one after another, each after a while; it outlives the host's processes. */
export class Disk {
  readonly #chance: Chance;
  #files = new Map<string, Write[]>();
  #waiting: DiskOperation[] = [];
  full = false;
  failNextSync = false;
  slow = 1;

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  /** Milliseconds that the next operation takes. */
  delay(): number {
    return (this.#chance.hit(0.02) ? this.#chance.between(5, 60) : this.#chance.between(0.05, 2)) * this.slow;
  }

  /** True if nothing was under way before. */
  begin(operation: DiskOperation): boolean {
    return this.#waiting.push(operation) === 1;
  }

  /** Does the operation that is under way. */
  finish(): { operation: DiskOperation; error: DiskError | undefined; more: boolean } | undefined {
    const operation = this.#waiting.shift();
    if (operation === undefined) return undefined;
    return { operation, error: this.#apply(operation), more: this.#waiting.length > 0 };
  }

  files(): Map<string, Uint8Array> {
    return new Map([...this.#files].map(([name, writes]) => [name, Buffer.concat(writes.map(({ bytes }) => bytes))]));
  }

  /** The process has ended: some of what was under way was still done. What is cached stays so. */
  processEnded(): void {
    const done = this.#chance.below(this.#waiting.length + 1);
    for (const operation of this.#waiting.splice(0).slice(0, done)) this.#apply(operation);
  }

  /** The power is gone: of each file remains what was synced, and a random part of the rest, the last write torn. */
  powerCut(): void {
    this.processEnded();
    for (const [name, writes] of this.#files) this.#files.set(name, this.#afterPowerCut(writes));
  }

  #afterPowerCut(writes: readonly Write[]): Write[] {
    let cached = this.#chance.below(writes.filter(({ state }) => state === 'cached').length + 1);
    const kept: Write[] = [];
    for (const { bytes, state } of writes) {
      if (state === 'cached' && cached-- === 0) {
        kept.push({ bytes: bytes.subarray(0, this.#chance.below(bytes.length + 1)), state: 'durable' });
        break;
      }
      // What no sync reached is a hole: the file is as long as what follows makes it.
      kept.push(state === 'doomed' ? { bytes: new Uint8Array(bytes.length), state } : { bytes, state: 'durable' });
    }
    while (kept.at(-1)?.state === 'doomed') kept.pop();
    return kept.map(({ bytes }) => ({ bytes, state: 'durable' }));
  }

  #apply(operation: DiskOperation): DiskError | undefined {
    if (operation.do === 'sync') return this.#sync(this.#file(operation.file));
    const bytes = Uint8Array.from(operation.bytes);
    if (operation.do === 'append') {
      const written = this.full ? bytes.subarray(0, this.#chance.below(bytes.length)) : bytes;
      this.#file(operation.file).push({ bytes: written, state: 'cached' });
    } else if (!this.full) {
      if (this.#syncFails()) return 'EIO';
      this.#files.set(operation.file, [{ bytes, state: 'durable' }]);
    }
    return this.full ? 'ENOSPC' : undefined;
  }

  #sync(writes: Write[]): DiskError | undefined {
    const fails = this.#syncFails();
    for (const write of writes) if (write.state === 'cached') write.state = fails ? 'doomed' : 'durable';
    return fails ? 'EIO' : undefined;
  }

  #syncFails(): boolean {
    const fails = this.failNextSync;
    this.failNextSync = false;
    return fails;
  }

  #file(name: string): Write[] {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const fresh: Write[] = [];
    this.#files.set(name, fresh);
    return fresh;
  }
}
