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

/** Code that a thread has loaded, or is loading. */
interface Loaded {
  /** Which of the objects that have had the place it is in. */
  readonly life: number;
  code: Function | Promise<Function>;
  /** Whether nobody has asked yet whether it began to load just now. */
  isNew: boolean;
  /** Whether tasks wait for it while it loads. */
  awaited: boolean;
  /** Why it could not be loaded: for the next task that asks. The one after it tries again. */
  failed: { readonly error: unknown } | undefined;
}

/** The functions and classes that a thread has loaded, by the object that holds their code, until that is gone. */
export class CodeCache {
  readonly #runtime: ThreadRuntime;
  readonly #loaded = new Map<number, Loaded>();
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
    const known = this.#loaded.get(info.code);
    if (known?.life !== info.life) return this.#begin(info.code, info.life);
    if (known.failed !== undefined) {
      this.#loaded.delete(info.code);
      this.#broken();
      throw known.failed.error;
    }
    known.awaited ||= known.code instanceof Promise;
    return known.code;
  }

  /** True the first time it is asked after a template's code began to load. */
  isNew({ info }: Template): boolean {
    const loaded = info.kind === 'method' ? undefined : this.#loaded.get(info.code);
    if (loaded?.isNew !== true) return false;
    loaded.isNew = false;
    return true;
  }

  /** The object with this code is gone. */
  forget(object: number, life: number): void {
    if (this.#loaded.get(object)?.life === life) this.#loaded.delete(object);
  }

  #begin(object: number, life: number): Promise<Function> {
    const code = this.#load(object);
    const loaded: Loaded = { life, code, isNew: true, awaited: false, failed: undefined };
    this.#loaded.set(object, loaded);
    code.then(
      (fn) => {
        loaded.code = fn;
      },
      (error: unknown) => {
        if (loaded.awaited) {
          this.#broken();
          this.forget(object, life);
        } else {
          loaded.failed = { error };
        }
      },
    );
    return code;
  }

  async #load(object: number): Promise<Function> {
    const runtime = this.#runtime;
    // The core has to have the subscription while this thread has the task, whose template holds the object.
    const ref = ObjectRef.of(runtime, new RefBlock([object]), object);
    const shipped = await new Promise<unknown>((resolve, reject) => {
      runtime.subscriptions.add(new SingleGet(ref, runtime.inbox, resolve, reject), 0);
      runtime.port.flush();
    });
    if ((shipped as Unshipped).kind === 'unshipped') throw new CaptureError(refused);
    return await reviveFunction(shipped as Ship);
  }
}
