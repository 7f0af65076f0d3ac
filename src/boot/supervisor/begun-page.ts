import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

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

  /** What it has, in base64. */
  read(): string {
    const bytes = Buffer.alloc(fstatSync(this.#fd).size);
    const length = readSync(this.#fd, bytes, 0, bytes.length, 0);
    return bytes.toString('base64', 0, length);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
