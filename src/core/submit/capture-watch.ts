import { part } from '../../common/bundle.ts';
import { CaptureError } from '../../common/errors.ts';
import { encodeToBytes, LocalShapeTable, type Portable, portable } from '../../store/codec/index.ts';
import type { PlacedFunction } from '../files/needs.ts';
import type { Program } from '../files/program.ts';
import type { CaptureHost } from '../functions/capture.ts';
import type { ShippedFunction } from '../functions/shipped.ts';
import type { NodeFacts } from '../node-facts.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import { portableKind } from '../values/portable-kind.ts';
import { ownUrl } from './own.ts';

/** One piece of captured data, or the text of a captured function, as it was. */
interface Sighting {
  readonly name: string;
  readonly place: (() => string) | undefined;
  readonly bytes: Uint8Array;
}

interface Record {
  readonly sightings: readonly Sighting[];
  /** Made by the call that is under way. */
  isNew: boolean;
  /** It is being looked at: a function may capture itself. */
  isBusy: boolean;
}

const encoder = new TextEncoder();

/** Large, and only needed by threads that send functions: loaded when the first is sent. */
const capture = (): typeof import('../functions/capture.ts') =>
  part('capture') as typeof import('../functions/capture.ts');

/** The thread that ships functions. */
export interface Shipping {
  readonly facts: NodeFacts;
  watch: CaptureWatch | undefined;
  /** The files of the application, once a function was shipped in a cluster. */
  program: Program | undefined;
}

/** Ships a function; in a cluster together with what it needs of the application's files. */
export function shipFunction(source: Function, host: CaptureHost, thread: Shipping): ShippedFunction | PlacedFunction {
  const code = watched(source, host, thread);
  const { cluster } = thread.facts;
  if (cluster === undefined) return code;
  thread.program ??= new (capture().Program)(cluster.root, ownUrl);
  return { kind: 'placed', needs: thread.program.needsOf(code), code };
}

/** What a function captures is watched where there is a watch; there is one from the first function on that was typed at a prompt. */
function watched(source: Function, host: CaptureHost, thread: Shipping): ShippedFunction {
  if (thread.watch === undefined) {
    const { captureFunction, wasTyped } = capture();
    const shipped = captureFunction(source, host);
    if (!wasTyped(shipped)) return shipped;
    thread.watch = new CaptureWatch();
  }
  return thread.watch.ship(source, host);
}

/** What `init({ checkCaptures: true })` asks for, and a prompt always has: captured data is looked at again at each later call. */
export class CaptureWatch {
  readonly #records = new WeakMap<Function, Record>();

  /** Ships a function and remembers what its captured data was like. */
  ship(source: Function, host: CaptureHost): ShippedFunction {
    const sightings: Sighting[] = [];
    const shipped = capture().captureFunction(source, watching(host, sightings));
    this.#records.set(source, { sightings, isNew: true, isBusy: false });
    return shipped;
  }

  /** @throws CaptureError where captured data of `source` is no longer what was sent */
  check(source: Function | undefined, host: CaptureHost): void {
    const record = source && this.#records.get(source);
    if (source === undefined || record === undefined || record.isBusy) return;
    if (record.isNew) {
      record.isNew = false;
      return;
    }
    const now: Sighting[] = [];
    record.isBusy = true;
    try {
      capture().captureFunction(source, watching(host, now));
    } finally {
      record.isBusy = false;
    }
    const { sightings } = record;
    for (let i = 0; i < Math.max(sightings.length, now.length); i++) {
      const [was, is] = [sightings[i], now[i]];
      if (was === undefined || is === undefined || was.name !== is.name || !equal(was.bytes, is.bytes))
        throw changed(source, was ?? (is as Sighting));
    }
  }
}

function watching(host: CaptureHost, sightings: Sighting[]): CaptureHost {
  return {
    ...host,
    saw: (value, name, place) => {
      const bytes = typeof value === 'function' ? encoder.encode(String(value)) : bytesOf(value);
      sightings.push({ name, place, bytes });
    },
  };
}

function bytesOf(value: unknown): Uint8Array {
  const { bytes } = encodeToBytes(value, {
    // A table remembers shapes that it has seen, and would write the same value in another way.
    shapes: new LocalShapeTable(),
    isRef: (item) => ObjectRef.is(item) || templateOf(item) !== undefined,
    refIndex: (item) => {
      const template = templateOf(item);
      return template === undefined ? ObjectRef.index(item as ObjectRef<unknown>) : ~template >>> 0;
    },
    // All threads see what changes in it.
    share: () => 0,
  });
  return bytes.slice();
}

/** The template of a remote function or actor class, which travels in another way while its own code is written. */
function templateOf(item: object): number | undefined {
  if (!(portable in item)) return undefined;
  try {
    const [kind, payload] = (item as Portable)[portable]();
    return kind === portableKind.remote ? (payload as readonly [unknown, number])[1] : undefined;
  } catch {
    // It does not travel, and says why when it is written.
    return undefined;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function changed(source: Function, { name, place }: Sighting): CaptureError {
  const where = place === undefined ? '' : ` (${place()})`;
  return new CaptureError(
    `'${name}'${where}, which the function '${source.name || '(anonymous)'}' has captured, has changed since the function was first called; ` +
      'workers still have the copy of then. Pass it as an argument, put() it and pass the ref, or make another remote function of a new function.',
    { variable: name },
  );
}
