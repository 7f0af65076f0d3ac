import { type EntryReader, type EntryWriter, malformed } from './entry.ts';

/** What agents say to one another. Numbers are never used again for something else. */
export const entry = {
  /** A remote function with its options: named by what comes later. */
  template: 1,
  /** What a function is, as plain data. */
  code: 2,
  /** A task to run. */
  run: 3,
  /** What became of a task. */
  answer: 4,
  /** A task is to stop. */
  cancel: 5,
  /** A template will not be named again. */
  forget: 6,
  /** What a task has written, for the driver of its job: `output.ts`. */
  output: 7,
  /** Output has arrived at its driver, or was printed there. */
  heard: 8,
  /** Output was dropped. */
  lost: 9,
  /** So many answers of kind `answer` have counted, or not: what they brought is needed no more. */
  settled: 10,
  /** A task to run, and an answer, with values whose buffers are to be fetched: `data/named.ts`. */
  runNamed: 11,
  answerNamed: 12,
  /** As `settled`, of one answer of kind `answerNamed`. */
  fetched: 13,
  /** Buffers that were named in tasks are not named again. */
  unnamed: 14,
  /** An answer of kind `answerNamed` has counted, and what it names stays. */
  stays: 15,
  /** Nothing needs a value any more that stays. */
  dropped: 16,
  /** Nothing needs the copies of a value any more that stays at another node. */
  unplaced: 17,
  /** The sender leaves: what stays there is to be fetched. */
  leaving: 18,
  /** A task has waited for long: it could run elsewhere. */
  waits: 19,
  /** A task comes back, if it has not begun. */
  recall: 20,
} as const;

/** How a task turned out, as its submitter sees it. */
export const answer = {
  /** As many values as it has results. */
  values: 0,
  /** What user code threw. */
  thrown: 1,
  /** The same, and its function asks for another attempt. */
  thrownAgain: 2,
  /** An error of the system's. */
  failed: 3,
  /** What ran the attempt died; an error of the system's for when there is no other. */
  lost: 4,
  /** It has not begun: an argument that was to be made there was not, or it comes back. No values. */
  unbegun: 5,
  /** It has not begun, as arguments that stay at other nodes are lost there. Their names, in place of values. */
  argumentsLost: 6,
} as const;

/** A task and one attempt of it, by its submitter's numbers. */
export interface Attempted {
  readonly index: number;
  readonly generation: number;
  readonly attempt: number;
}

/** A name that a process gave a template or a code, which no other thing has: its node, and a number of that node's. */
export type CodeName = string;

export interface TemplateEntry {
  /** What tasks of this sender call it. */
  readonly number: number;
  /** What it is called in the whole cluster. */
  readonly name: CodeName;
  /** What all threads know of it, less what has a meaning in one node. */
  readonly info: string;
  readonly code: CodeName;
}

export function writeTemplate(to: EntryWriter, { number, name, info, code }: TemplateEntry): void {
  to.begin(entry.template);
  to.u32(number);
  to.text(name);
  to.text(info);
  to.text(code);
  to.end();
}

export function readTemplate(from: EntryReader): TemplateEntry {
  const read = { number: from.u32(), name: from.text(), info: from.text(), code: from.text() };
  from.end();
  return read;
}

export function writeCode(to: EntryWriter, name: CodeName, bytes: Uint8Array): void {
  to.begin(entry.code);
  to.text(name);
  to.blob(bytes);
  to.end();
}

export function readCode(from: EntryReader): { readonly name: CodeName; readonly bytes: Uint8Array } {
  const read = { name: from.text(), bytes: from.blob() };
  from.end();
  return read;
}

/** An argument that another attempt of the sender's makes at the receiver. */
export interface Made extends Attempted {
  /** Which of the arguments that were refs. */
  readonly position: number;
  /** Which of the results of that attempt. */
  readonly result: number;
}

/** The fields of a task before its values: results, arguments that were refs. */
export interface RunHead extends Attempted {
  /** The sender's number for its template. */
  readonly template: number;
  readonly job: number;
  readonly results: number;
  readonly deps: number;
  /** Those of the arguments that bring no value, in order. */
  readonly made: readonly Made[];
}

/** How many values a task brings: what it was called with, and the values of refs. */
export function valuesOf({ deps, made }: RunHead): number {
  return 1 + deps - made.length;
}

const none: readonly never[] = [];

export function beginRun(to: EntryWriter, head: RunHead): void {
  to.begin(entry.run);
  writeAttempted(to, head);
  to.u32(head.template);
  to.u32(head.job);
  to.u32(head.results);
  to.u32(head.deps);
  to.u32(head.made.length);
  for (const made of head.made) {
    to.u32(made.position);
    writeAttempted(to, made);
    to.u32(made.result);
  }
}

export function readRunHead(from: EntryReader): RunHead {
  const head = {
    index: from.u32(),
    generation: from.u32(),
    attempt: from.u32(),
    template: from.u32(),
    job: from.u32(),
    results: from.u32(),
    deps: from.u32(),
    made: none as readonly Made[],
  };
  const made = from.u32();
  if (head.results === 0 || head.results > MOST || head.deps > MOST || made > head.deps) {
    throw malformed(`${head.results} results and ${head.deps} arguments, ${made} of them made there`);
  }
  if (made > 0) head.made = readMade(from, made, head.deps);
  return head;
}

function readMade(from: EntryReader, count: number, deps: number): Made[] {
  const all: Made[] = [];
  let next = 0;
  for (let i = 0; i < count; i++) {
    const position = from.u32();
    if (position < next || position >= deps) throw malformed(`an argument ${position} of ${deps}`);
    next = position + 1;
    all.push({ position, ...readAttempted(from), result: from.u32() });
  }
  return all;
}

/** Results, or arguments that were refs, of one task. */
const MOST = 1 << 20;

export function beginAnswer(to: EntryWriter, of: Attempted, what: number, values: number): void {
  to.begin(entry.answer);
  writeAttempted(to, of);
  to.u8(what);
  to.u32(values);
}

export interface AnswerHead extends Attempted {
  readonly what: number;
  readonly values: number;
}

export function readAnswerHead(from: EntryReader): AnswerHead {
  const head = {
    index: from.u32(),
    generation: from.u32(),
    attempt: from.u32(),
    what: from.u8(),
    values: from.u32(),
  };
  if (head.what > answer.argumentsLost || head.values > MOST)
    throw malformed(`an answer ${head.what} of ${head.values} values`);
  return head;
}

export interface CancelEntry extends Attempted {
  readonly force: boolean;
  readonly recursive: boolean;
}

export function writeCancel(to: EntryWriter, cancel: CancelEntry): void {
  to.begin(entry.cancel);
  writeAttempted(to, cancel);
  to.u8((cancel.force ? 1 : 0) | (cancel.recursive ? 2 : 0));
  to.end();
}

export function readCancel(from: EntryReader): CancelEntry {
  const attempted = readAttempted(from);
  const flags = from.u8();
  from.end();
  return { ...attempted, force: (flags & 1) !== 0, recursive: (flags & 2) !== 0 };
}

/** `number`: the sender's, of a template. */
export function writeForget(to: EntryWriter, number: number): void {
  to.begin(entry.forget);
  to.u32(number);
  to.end();
}

export function readForget(from: EntryReader): number {
  const number = from.u32();
  from.end();
  return number;
}

/** `answers`: how many more have come. */
export function writeSettled(to: EntryWriter, answers: number): void {
  to.begin(entry.settled);
  to.u32(answers);
  to.end();
}

export function readSettled(from: EntryReader): number {
  const answers = from.u32();
  from.end();
  return answers;
}

/** An entry that has nothing else than an attempt. */
export function writeAttempt(to: EntryWriter, kind: number, of: Attempted): void {
  to.begin(kind);
  writeAttempted(to, of);
  to.end();
}

/** The attempt of an entry that has nothing else. */
export function readAttempt(from: EntryReader): Attempted {
  const attempted = readAttempted(from);
  from.end();
  return attempted;
}

/** `number`: the receiver's, of the buffers of a value that stays there. */
export function writeDropped(to: EntryWriter, number: number): void {
  to.begin(entry.dropped);
  to.u64(number);
  to.end();
}

export function writeLeaving(to: EntryWriter): void {
  to.begin(entry.leaving);
  to.end();
}

/** `number`: the sender's, of buffers. */
export function writeUnnamed(to: EntryWriter, number: number): void {
  to.begin(entry.unnamed);
  to.u64(number);
  to.end();
}

/** The number of an entry that has nothing else. */
export function readNumber(from: EntryReader): number {
  const number = from.u64();
  from.end();
  return number;
}

function writeAttempted(to: EntryWriter, { index, generation, attempt }: Attempted): void {
  to.u32(index);
  to.u32(generation);
  to.u32(attempt);
}

function readAttempted(from: EntryReader): Attempted {
  return { index: from.u32(), generation: from.u32(), attempt: from.u32() };
}
