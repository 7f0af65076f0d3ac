import type { BegunSlots } from '../../../src/agent/begun.ts';
import type { Commands } from '../../../src/agent/commands.ts';
import { type Named, readNamed, readNode, writeNamed } from '../../../src/agent/data/named.ts';
import type { ExportedTemplates } from '../../../src/agent/exported.ts';
import type { ImportedTemplates } from '../../../src/agent/imported.ts';
import type { Jobs } from '../../../src/agent/jobs.ts';
import type { Objects } from '../../../src/agent/objects.ts';
import type { Outbox } from '../../../src/agent/output/outbox.ts';
import type { Peer } from '../../../src/agent/peer.ts';
import type { Run } from '../../../src/agent/run.ts';
import { type BuffersOf, type Serve, skipValue, type Unbuffered, type WireValues } from '../../../src/agent/values.ts';
import { type RunHead, valuesOf, writeCode, writeTemplate } from '../../../src/agent/wire/entries.ts';
import { type EntryReader, type EntryWriter, malformed } from '../../../src/agent/wire/entry.ts';
import { Violation } from '../scenario.ts';
import type { Bug } from './bugs.ts';
import type { Data } from './data.ts';
import type { Arg, Executor } from './executor.ts';
import type { Io } from './io.ts';
import { fromBytes, namedBy, type Work } from './work.ts';

/** Values in the inbox of an agent: a place is a number. They lie in entries as `agent/values.ts` has them. */
export class Inbox {
  readonly #data: Data;
  #values: Uint8Array[] = [];
  /** The buffers of values that are named, by their bytes: the same value has the same. */
  readonly #buffers = new Map<string, number>();

  constructor(data: Data) {
    this.#data = data;
  }

  put(bytes: Uint8Array): number {
    return this.#values.push(bytes) - 1;
  }

  clear(): void {
    this.#values = [];
  }

  get port(): WireValues {
    const bytes = (pos: number): Uint8Array => this.#values[pos] as Uint8Array;
    const values: Pick<WireValues, 'size' | 'carriesCode' | 'write' | 'rename'> & { skip(pos: number): number } = {
      size: (pos) => bytes(pos).length,
      carriesCode: (pos) => namedBy(bytes(pos)) > 0,
      rename: (pos) => ({ bytes: bytes(pos), templates: [namedBy(bytes(pos))] }),
      skip: (pos) => pos + 1,
      write: (to, pos, serve) => {
        if (isLarge(bytes(pos))) return this.#writeNamed(to, pos, serve);
        to.u8(0);
        to.blob(bytes(pos));
        to.u32(0);
        return pos + 1;
      },
    };
    return values as unknown as WireValues;
  }

  #writeNamed(to: EntryWriter, pos: number, serve: Serve): number {
    const bytes = this.#values[pos] as Uint8Array;
    const text = Buffer.from(bytes).toString('latin1');
    // The value holds it as long as this lasts; then what is served does.
    const known = this.#buffers.get(text);
    const buffer = known !== undefined && this.#data.has(known) ? known : this.#data.put(bytes);
    this.#buffers.set(text, buffer);
    to.u8(2);
    to.blob(new Uint8Array());
    writeNamed(to, { number: serve([buffer]), lengths: [bytes.length] });
    if (buffer !== known) this.#data.release(buffer);
    return pos + 1;
  }
}

/** A third of all values, and no errors; those that carry code go along, whatever they have. */
function isLarge(bytes: Uint8Array): boolean {
  return namedBy(bytes) === 0 && bytes.length > 40 && bytes.length % 3 === 0;
}

/** The next value of an entry. */
export function readValue(from: EntryReader, buffersOf: BuffersOf | undefined, data: Data): Uint8Array {
  const is = from.u8();
  const bytes = from.blob().slice();
  if (is === 0) from.u32();
  if (is < 2) return bytes;
  const node = is === 3 ? { node: readNode(from) } : undefined;
  const named = { ...readNamed(from), ...node };
  return readFetched(named, buffersOf?.(named) ?? [], data);
}

/** The value that these buffers are, which are the core's from now on. */
export function readFetched({ number, lengths }: Named, buffers: readonly number[], data: Data): Uint8Array {
  if (buffers.length !== lengths.length) throw new Violation(`${number} was not fetched`);
  const read = Buffer.concat(buffers.map((buffer) => data.read(buffer)));
  for (const buffer of buffers) data.release(buffer);
  return read;
}

/** The next value of an entry, if its buffers are named. */
export function takeUnbuffered(from: EntryReader): Unbuffered | undefined {
  if (from.peek() !== 2) return undefined;
  from.u8();
  return { bytes: from.blob().slice(), named: readNamed(from) };
}

/** What the executing half tells its core. */
export function commandsTo(executor: Executor, data: Data, bug: Bug | undefined): Commands {
  const commands: Pick<Commands, 'run' | 'subscribe' | 'cancel' | 'takeBack'> = {
    run(run: Run, head: RunHead, from: EntryReader, _inward: unknown, buffersOf?: BuffersOf, own?) {
      const work = fromBytes<Work>(readValue(from, buffersOf, data));
      const given = Array.from({ length: valuesOf(head) - 1 }, (_, i): Arg => {
        const object = own?.get(i + 1);
        if (object === undefined) return readValue(from, buffersOf, data);
        skipValue(from);
        return executor.made(object);
      });
      from.end();
      executor.run(work, run, argsOf(head, run, given, executor));
      if (bug === 'answer before its maker') run.makers = [];
    },
    subscribe: (object, token) => executor.subscribe(object, token),
    cancel: (object, force) => executor.cancel(object, force),
    takeBack: (object) =>
      bug === 'task taken back that has begun' ? executor.cancel(object, false) : executor.takeBack(object),
  };
  return commands as Commands;
}

/** The arguments of a task that were refs, in order: what other runs make, and what came with it. */
function argsOf({ deps, made }: RunHead, { makers }: Run, given: readonly Arg[], executor: Executor): Arg[] {
  const came = [...given];
  return Array.from({ length: deps }, (_, position): Arg => {
    const at = made.findIndex((each) => each.position === position);
    if (at < 0) return came.shift() as Arg;
    return executor.made(makers[at]?.objects[made[at]?.result ?? 0] ?? 0);
  });
}

export function objectsOf(executor: Executor): Objects {
  const objects: Pick<Objects, 'take' | 'share' | 'release'> = {
    take: (count) => executor.take(count),
    share: (object) => executor.share(object),
    release: (object) => executor.release(object),
  };
  return objects as Objects;
}

/** The page of begun tasks, which no supervisor reads. */
export function slotsOf(executor: Executor): BegunSlots {
  let last = 0;
  const slots: Pick<BegunSlots, 'take' | 'hasBegun' | 'release'> = {
    take: () => ++last,
    hasBegun: (slot) => executor.begun.has(slot),
    release: (slot) => executor.begun.delete(slot),
  };
  return slots as BegunSlots;
}

/** The templates of other nodes: a model of `agent/imported.ts`. */
export class Imported {
  readonly #jobs: Jobs;
  readonly #codes = new Map<Peer, Set<string>>();
  readonly #templates = new Map<Peer, Map<number, number>>();

  constructor(jobs: Jobs) {
    this.#jobs = jobs;
  }

  code(peer: Peer, name: string): void {
    this.#codes.set(peer, (this.#codes.get(peer) ?? new Set()).add(name));
  }

  template(peer: Peer, number: number, job: number, code: string): void {
    if (!this.#jobs.begin(job)) return;
    if (this.#codes.get(peer)?.has(code) !== true) throw malformed(`a template whose code ${code} did not come`);
    this.#templates.set(peer, (this.#templates.get(peer) ?? new Map()).set(number, job));
  }

  forgetPeer(peer: Peer): void {
    this.#codes.delete(peer);
    this.#templates.delete(peer);
  }

  get port(): ImportedTemplates {
    const find = (peer: Peer, number: number): { number: number; job: number } => {
      const job = this.#templates.get(peer)?.get(number);
      if (job === undefined) throw malformed(`template ${number} did not come`);
      return { number, job };
    };
    return { inward: () => undefined, find } as unknown as ImportedTemplates;
  }
}

/** This node's templates, as others are told of them: a model of `agent/exported.ts`. Code takes a while to read. */
export class Exported {
  readonly #io: Io;
  readonly #read = new Set<number>();
  readonly #waiting = new Map<number, (() => void)[]>();
  job = 0;

  constructor(io: Io) {
    this.#io = io;
  }

  #tell(peer: Peer, templates: readonly number[], again: () => void): boolean {
    for (const number of templates.filter((each) => !peer.knows.has(each))) {
      if (!this.#read.has(number)) {
        this.#wait(number, again);
        return false;
      }
      writeCode(peer.out, `code ${number}`, new Uint8Array());
      writeTemplate(peer.out, { number, name: `f${number}`, info: String(this.job), code: `code ${number}` });
      peer.knows.add(number);
    }
    return true;
  }

  #wait(number: number, again: () => void): void {
    this.#waiting.set(number, [...(this.#waiting.get(number) ?? []), again]);
    this.#io.at(`code ${number}`, this.#io.now + 150 * this.#io.random());
  }

  /** The code was read. */
  fired(timer: string): boolean {
    const number = Number(/^code (\d+)$/.exec(timer)?.[1] ?? Number.NaN);
    if (Number.isNaN(number)) return false;
    this.#read.add(number);
    const waiting = this.#waiting.get(number) ?? [];
    this.#waiting.delete(number);
    for (const again of waiting) again();
    return true;
  }

  get port(): ExportedTemplates {
    const tell: ExportedTemplates['tell'] = (peer, templates, again) => this.#tell(peer, templates, again);
    return { tell } as ExportedTemplates;
  }
}

/** What tasks write: sometimes an answer has to wait for it. */
export class Output {
  readonly #io: Io;
  #waiting: Run[] = [];

  constructor(io: Io) {
    this.#io = io;
  }

  fired(timer: string): boolean {
    if (timer !== 'output') return false;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run.answer();
    return true;
  }

  get port(): Outbox {
    const output = {
      mayAnswer: () => this.#waiting.length === 0 && this.#io.random() > 0.02,
      answerLater: (run: Run) => {
        this.#waiting.push(run);
        this.#io.at('output', this.#io.now + 30 * this.#io.random());
      },
    };
    return output as unknown as Outbox;
  }
}
