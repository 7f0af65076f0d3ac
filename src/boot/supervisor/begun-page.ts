import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { begunIn } from '../../core/run/begun.ts';

/**
 * The page into which the workers of a node write what they begin. The supervisor has a descriptor of its own, so the page can be read
 * after the node is dead.
 */
export class BegunPage {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** The page that the node `pid` has as its descriptor `fd`. Undefined: the node is dead already. */
  static of(pid: number, fd: number): BegunPage | undefined {
    try {
      return new BegunPage(openSync(`/proc/${pid}/fd/${fd}`, 'r'));
    } catch {
      return undefined;
    }
  }

  /** The attempts that it names (`core/run/begun.ts`). Undefined: they are not all. */
  read(): Buffer | undefined {
    const bytes = Buffer.alloc(fstatSync(this.#fd).size);
    const length = readSync(this.#fd, bytes, 0, bytes.length, 0);
    return begunIn(bytes.subarray(0, length));
  }

  close(): void {
    closeSync(this.#fd);
  }
}
