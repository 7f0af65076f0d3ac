import { CaptureError, MobulaError } from '../../common/errors.ts';
import { reviveFunction } from '../functions/revive.ts';
import { ObjectRef, RefBlock } from '../refs/object-ref.ts';
import type { ThreadRuntime } from '../runtime.ts';
import type { Unshipped } from '../submit/registry.ts';
import type { Template } from '../submit/template.ts';
import { SingleGet } from '../wait/waiting.ts';

type Ship = Parameters<typeof reviveFunction>[0];

const refused =
  'The function was refused when it was first called, after a task of it had been submitted. Mend what that error says, and call it again.';

/** The functions and classes that a thread has loaded, by the object that holds their code. */
export class CodeCache {
  readonly #runtime: ThreadRuntime;
  readonly #loaded = new Map<number, Function | Promise<Function>>();
  /** Why code could not be loaded: for the next task that asks. The one after it tries again. */
  readonly #failed = new Map<number, unknown>();
  /** Code that began to load just now. */
  readonly #new = new Set<number>();
  /** Code that tasks wait for while it loads. */
  readonly #awaited = new Set<number>();
  /** Told when a task learns that its code could not be loaded. */
  readonly #broken: () => void;

  constructor(runtime: ThreadRuntime, broken: () => void) {
    this.#runtime = runtime;
    this.#broken = broken;
  }

  /** The function or class of a template; a promise the first time. Throws what kept it from loading, once. */
  of(template: Template): Function | Promise<Function> {
    const { info } = template;
    if (info.kind === 'method') throw new MobulaError('ERR_MOBULA_INTERNAL', 'methods have no code of their own');
    if (this.#failed.has(info.code)) {
      const error = this.#failed.get(info.code);
      this.#failed.delete(info.code);
      this.#broken();
      throw error;
    }
    const known = this.#loaded.get(info.code);
    if (known instanceof Promise) this.#awaited.add(info.code);
    if (known !== undefined) return known;
    const loading = this.#load(info.code);
    this.#loaded.set(info.code, loading);
    this.#new.add(info.code);
    return loading;
  }

  /** True the first time it is asked after a template's code began to load. */
  isNew({ info }: Template): boolean {
    return info.kind !== 'method' && this.#new.delete(info.code);
  }

  async #load(object: number): Promise<Function> {
    const runtime = this.#runtime;
    // The template holds the object for as long as the runtime is up; this thread needs no reference of its own.
    const ref = ObjectRef.of(runtime, new RefBlock([object], false), object);
    try {
      const shipped = await new Promise<unknown>((resolve, reject) => {
        runtime.subscriptions.add(new SingleGet(ref, runtime.inbox, resolve, reject), 0);
      });
      if ((shipped as Unshipped).kind === 'unshipped') throw new CaptureError(refused);
      const code = await reviveFunction(shipped as Ship);
      this.#loaded.set(object, code);
      return code;
    } catch (error) {
      this.#loaded.delete(object);
      if (this.#awaited.has(object)) this.#broken();
      else this.#failed.set(object, error);
      throw error;
    } finally {
      this.#awaited.delete(object);
    }
  }
}
