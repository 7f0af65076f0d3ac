import type { CaptureError } from '../../common/errors.ts';
import type { ExportSite, ModuleSources } from './exports.ts';
import type { Inspector } from './inspect.ts';
import type { Located } from './locate.ts';
import type { Step } from './problem.ts';
import type { AnyFunction, Shipped, ShippedImport, ShippedSymbol } from './shipped.ts';

/** One capture, as those see it who describe a part of what it leads to (`capture.ts`). */
export interface Capture {
  readonly sources: ModuleSources;
  readonly inspector: Inspector;
  /** The functions on the way to what is being described. */
  readonly trail: readonly Located[];
  /** Describes any value. `step` says what it is called, for errors. */
  value(value: unknown, step: Step): Shipped;
  /** Describes a symbol that every thread can have. */
  symbol(value: symbol, step: Step): ShippedSymbol;
  /** Describes some members of a module. */
  members(module: object, names: Iterable<string>, step: Step): Shipped;
  /** A function of a module, wherever it is met again. */
  imported(fn: AnyFunction, shipped: ShippedImport): ShippedImport;
  /** Whether an object has been described already. */
  knows(value: object): boolean;
  /** How an object travels, wherever it is met again. */
  know(value: object, shipped: Shipped): void;
  /** A function that a static field of a class holds: its `this` may be the class. */
  holds(owner: MemberContext, fn: AnyFunction): void;
  /** Describes something that may be refused, and forgets then what led there. */
  attempt<T>(describe: () => T): T;
  /** Whether a value travels as it is. */
  isPortable(value: unknown): boolean;
  /** Whether the script of a function is that of the module `file` or of one that it imports. */
  comesFrom(fn: AnyFunction, file: string): boolean;
  /** The URL of mobula, if `file` is mobula. */
  ownModule(file: string): string | undefined;
  /** A worker will load the module `file`. */
  loaded(file: string): void;
  /** What a module exports is copied. */
  copied(site: ExportSite, step: Step): void;
  /** The error for `step`, at the end of the way that led to it. */
  fail(step: Step, problem: string, advice?: string, cause?: unknown): CaptureError;
}

/** A function or class whose members are described. */
export interface MemberContext {
  readonly capture: Capture;
  readonly located: Located;
  readonly fn: AnyFunction;
  readonly name: string;
}
