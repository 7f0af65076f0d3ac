import { now, setImmediate, setTimeout } from '../../common/timers.ts';

/** Milliseconds that an instance gets to dispose of itself. */
const DISPOSAL_MS = 5000;

type Instance = Record<string, unknown>;

/**
 * The instances of the actors that live on a thread. One whose actor is killed, dropped or shut down disposes of itself: by
 * `Symbol.asyncDispose`, or else by `Symbol.dispose`. What goes wrong in that is a warning.
 */
export class Instances {
  readonly #instances = new Map<number, Instance>();
  /** Told how many have to dispose of themselves or are about it. */
  readonly #count: (disposable: number) => void;
  #disposable = 0;

  constructor(count: (disposable: number) => void) {
    this.#count = count;
  }

  get(actor: number): Instance | undefined {
    return this.#instances.get(actor);
  }

  set(actor: number, instance: object): void {
    // The next life of an actor may be on the same thread.
    this.drop(actor);
    this.#instances.set(actor, instance as Instance);
    if (disposer(instance) !== undefined) this.#count(++this.#disposable);
  }

  get size(): number {
    return this.#instances.size;
  }

  drop(actor: number): void {
    const instance = this.#instances.get(actor);
    this.#instances.delete(actor);
    const dispose = instance === undefined ? undefined : disposer(instance);
    if (dispose !== undefined) void this.#dispose(instance as Instance, dispose);
  }

  dropAll(): void {
    for (const actor of [...this.#instances.keys()]) this.drop(actor);
  }

  async #dispose(instance: Instance, dispose: Function): Promise<void> {
    const began = now();
    const name = instance.constructor?.name;
    try {
      const disposed: Promise<unknown> = Promise.resolve(Reflect.apply(dispose, instance, []));
      const late = new Promise((_, reject) => {
        const problem = new Error(`it took longer than ${DISPOSAL_MS} ms`);
        setTimeout(() => reject(problem), DISPOSAL_MS - (now() - began)).unref();
      });
      await Promise.race([disposed, late]);
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      process.emitWarning(`An actor of class ${name} failed to dispose of itself: ${text}`, 'MobulaWarning');
    }
    // Its thread may be ended from then on: the warning is to be printed before.
    await new Promise((resolve) => setImmediate(resolve));
    this.#count(--this.#disposable);
  }
}

function disposer(instance: object): Function | undefined {
  const dispose: unknown = Reflect.get(instance, Symbol.asyncDispose) ?? Reflect.get(instance, Symbol.dispose);
  return typeof dispose === 'function' ? dispose : undefined;
}
