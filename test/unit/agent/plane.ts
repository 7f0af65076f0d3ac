import assert from 'node:assert/strict';
import type { Named } from '../../../src/agent/data/named.ts';
import type { DataPort, Fetched } from '../../../src/agent/data/ports.ts';
import { Peer } from '../../../src/agent/peer.ts';

/** A store, and a data plane that ends fetches when it is told to. */
export class Plane implements DataPort {
  readonly serves = true;
  readonly most = 250;
  readonly served = new Map<number, readonly number[]>();
  readonly others = new Set<number>();
  readonly fetches: { readonly number: number; end(fetched: Fetched): void; dropped: boolean }[] = [];
  readonly refs = new Map<number, number>();
  #last = 0;

  serve(number: number, buffers: readonly number[]): void {
    assert.equal(this.served.has(number), false);
    this.served.set(number, buffers);
  }

  unserve(number: number): void {
    assert.equal(this.served.delete(number), true);
  }

  looks = 0;

  isAlone(number: number): boolean {
    this.looks += 1;
    return this.served.get(number)?.some((buffer) => this.others.has(buffer)) === false;
  }

  pull(_peer: Peer, { number }: Named, _urgency: unknown, end: (fetched: Fetched) => void): () => void {
    const fetch = { number, end, dropped: false };
    this.fetches.push(fetch);
    return () => {
      fetch.dropped = true;
    };
  }

  /** The oldest fetch of a number comes to an end. */
  end(number: number, failed?: Exclude<Fetched, { kind: 'here' }>): void {
    const at = this.fetches.findIndex((fetch) => fetch.number === number && !fetch.dropped);
    const [fetch] = this.fetches.splice(at, 1);
    const buffer = ++this.#last;
    if (failed === undefined) this.refs.set(buffer, 1);
    fetch?.end(failed ?? { kind: 'here', buffers: [buffer] });
  }

  get open(): readonly number[] {
    return this.fetches.filter(({ dropped }) => !dropped).map(({ number }) => number);
  }

  share(buffer: number): void {
    this.refs.set(buffer, (this.refs.get(buffer) as number) + 1);
  }

  release(buffer: number): void {
    const left = (this.refs.get(buffer) ?? 0) - 1;
    assert.ok(left >= 0, `buffer ${buffer} is let go twice`);
    if (left === 0) this.refs.delete(buffer);
    else this.refs.set(buffer, left);
  }
}

export const peer = (node = '0011223344556677'): Peer =>
  new Peer(
    node,
    () => 'taken',
    () => undefined,
  );
export const named = (number: number, bytes = 100): Named => ({ number, lengths: [bytes] });
