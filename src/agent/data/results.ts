import type { Peer } from '../peer.ts';
import { malformed } from '../wire/entry.ts';
import type { Named } from './named.ts';
import type { DataPort, Failed } from './ports.ts';

/** The values of one answer, as they are fetched. */
export class Results {
  readonly #data: DataPort;
  readonly #peer: Peer;
  readonly #named: readonly Named[];
  readonly #ended: (failed?: Failed) => void;
  readonly #buffers = new Map<number, readonly number[]>();
  readonly #drops: (() => void)[] = [];
  #over = false;

  /** `ended` is called once, when all are here, or one cannot be, unless they are dropped before. */
  constructor(data: DataPort, peer: Peer, named: readonly Named[], ended: (failed?: Failed) => void) {
    this.#data = data;
    this.#peer = peer;
    this.#named = named;
    this.#ended = ended;
    if (new Set(named.map(({ number }) => number)).size < named.length) throw malformed('buffers that are named twice');
  }

  begin(): void {
    if (this.#named.length === 0) this.#end();
    for (const named of this.#named) {
      const drop = this.#data.pull(this.#peer, named, 'result', (fetched) => {
        if (fetched.kind === 'here') {
          this.#buffers.set(named.number, fetched.buffers);
          if (this.#buffers.size === this.#named.length) this.#end();
        } else this.#end(fetched);
      });
      this.#drops.push(drop);
    }
  }

  #end(failed?: Failed): void {
    if (this.#over) return;
    this.#over = true;
    this.#ended(failed);
  }

  /** The buffers of a number, once: the references go to the caller. */
  readonly buffersOf = ({ number }: Named): readonly number[] => {
    const buffers = this.#buffers.get(number);
    if (buffers === undefined) throw new Error(`the buffers ${number} are not here`);
    this.#buffers.delete(number);
    return buffers;
  };

  /** Nobody needs them: what is on its way is dropped, and what is here is let go. */
  drop(): void {
    this.#over = true;
    for (const drop of this.#drops) drop();
    for (const buffers of this.#buffers.values()) for (const buffer of buffers) this.#data.release(buffer);
    this.#buffers.clear();
  }
}
