import { op } from '../core/port/wire.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { Arrived, WireValues } from './values.ts';

/** What the agent tells its core of tasks that are elsewhere. */
export class Commands {
  readonly #port: ThreadRuntime['port'];
  readonly #values: WireValues;

  constructor({ port }: ThreadRuntime, values: WireValues) {
    this.#port = port;
    this.#values = values;
  }

  /** Ends an attempt. */
  result(index: number, kind: number, values: readonly Arrived[]): void {
    const writer = this.#port.begin(8);
    try {
      writer.byte(op.result);
      writer.byte(kind);
      writer.view.setUint16(writer.pos, values.length, true);
      writer.view.setUint32(writer.pos + 2, index, true);
      writer.pos += 6;
      for (const each of values) this.#values.put(each);
    } catch (error) {
      this.#port.abort();
      throw error;
    }
    this.#port.publish();
  }

  /** Ends an attempt with an error that is encoded already. */
  fail(index: number, kind: number, bytes: Uint8Array): void {
    this.result(index, kind, [{ bytes, buffers: [] }]);
  }

  /** The core may hand out so many more tasks of a line. */
  open(line: number, window: number): void {
    this.#line(false, line, window);
  }

  /** The line is over, unless it has tasks. */
  close(line: number): void {
    this.#line(true, line, 0);
  }

  #line(closes: boolean, line: number, window: number): void {
    const writer = this.#port.begin(10);
    writer.byte(op.line);
    writer.byte(closes ? 1 : 0);
    this.#port.word(line);
    this.#port.word(window);
    this.#port.publish();
  }
}
