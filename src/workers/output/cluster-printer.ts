import { isUtf8 } from 'node:buffer';
import { shortNode } from '../../common/ids.ts';
import { Folding, type Line } from './folding.ts';
import type { StreamName } from './ring.ts';

/**
 * What a task of another node has written: whole lines; without a line feed at its end, the last one goes on. No bytes: the line
 * that goes on has ended.
 */
export interface RemoteOutput {
  readonly node: string;
  /** As `context().taskId`. */
  readonly task: string;
  readonly name: string;
  readonly stream: StreamName;
  readonly data: Uint8Array;
}

/** Writes to one of the program's streams. */
export type Write = (stream: StreamName, data: string | Buffer) => void;

/**
 * Prints what tasks of other nodes write, each line behind the name of its task and its node. Bytes are kept as they are: inside of
 * this file each stands for one character.
 */
export class ClusterPrinter {
  readonly #write: Write;
  readonly #folding = new Folding();
  /** The line that was printed last, if it goes on. */
  #open: { readonly key: string; readonly stream: StreamName } | undefined;
  /** What is to be written to a stream. */
  #text = '';
  #stream: StreamName = 'stdout';

  constructor(write: Write) {
    this.#write = write;
  }

  /** When `look` is to be called. */
  get due(): number {
    return this.#folding.due;
  }

  print({ node, task, name, stream, data }: RemoteOutput, now: number): void {
    const key = `${node} ${task} ${stream}`;
    const prefix = prefixOf(name, node);
    let rest = bytesOf(data).toString('latin1');
    if (this.#open?.key === key && rest === '') {
      this.#closeLine();
    } else if (this.#open?.key === key) {
      const end = rest.indexOf('\n') + 1;
      this.#put(stream, end === 0 ? rest : rest.slice(0, end));
      rest = end === 0 ? '' : rest.slice(end);
      if (end > 0) this.#open = undefined;
    }
    const lines = rest.split('\n');
    const begun = lines.pop() as string;
    for (const text of lines) {
      const line = { stream, prefix, name, text };
      if (this.#folding.add(line, `${node} ${task}`, now, this.#line)) this.#line(line);
    }
    if (begun !== '') {
      this.#closeLine();
      this.#put(stream, prefix + begun);
      this.#open = { key, stream };
    }
    this.#flush();
  }

  /** Says on stderr that output was dropped. */
  lost(node: string, lines: number, bytes: number): void {
    const what = `${lines} lines (${bytes} bytes) of tasks on node=${shortNode(node)}`;
    const text = `${what} were dropped: they were written faster than this program printed them.`;
    this.#line({ stream: 'stderr', prefix: 'mobula: ', name: '', text });
    this.#flush();
  }

  readonly #line = ({ stream, prefix, text }: Line): void => {
    this.#closeLine();
    this.#put(stream, `${prefix}${text}\n`);
  };

  #closeLine(): void {
    if (this.#open === undefined) return;
    this.#put(this.#open.stream, '\n');
    this.#open = undefined;
  }

  #put(stream: StreamName, text: string): void {
    if (stream !== this.#stream) this.#flush();
    this.#stream = stream;
    this.#text += text;
  }

  #flush(): void {
    if (this.#text === '') return;
    const bytes = Buffer.from(this.#text, 'latin1');
    this.#text = '';
    this.#write(this.#stream, isUtf8(bytes) ? bytes.toString() : bytes);
  }

  /** Prints what was folded for long enough. */
  look(now: number): void {
    this.#folding.look(now, this.#line);
    this.#flush();
  }

  /** Prints what was folded, and ends the line that goes on. */
  end(): void {
    this.#folding.flush(this.#line);
    this.#closeLine();
    this.#flush();
  }
}

function prefixOf(name: string, node: string): string {
  return Buffer.from(`(${name} node=${shortNode(node)}) `).toString('latin1');
}

function bytesOf(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
