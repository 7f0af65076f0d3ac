import { CaptureError, MobulaError } from '../../common/errors.ts';
import { refusalOf } from '../files/check.ts';
import type { PlacedFunction } from '../files/needs.ts';
import { relocate } from '../files/relocate.ts';
import { reviveFunction } from '../functions/revive.ts';
import type { ShippedFunction } from '../functions/shipped.ts';
import type { ClusterFacts, NodeFacts } from '../node-facts.ts';
import { ObjectRef, RefBlock } from '../refs/object-ref.ts';
import type { ThreadRuntime } from '../runtime.ts';
import { ownUrl } from '../submit/own.ts';
import type { Unshipped } from '../submit/registry.ts';
import type { Template } from '../submit/template.ts';
import { SingleGet } from '../wait/waiting.ts';
import { Load } from './load.ts';
import type { Retirement } from './retirement.ts';

/** What the object with a function's code holds. */
type Code = ShippedFunction | PlacedFunction | Unshipped;

/** A load that has failed so often in a row, each time on fresh threads, fails all tasks that need it. */
const MAX_FAILED_LOADS = 3;

/** Rejects the code of a task that has only waited for a load: the task has not begun, and goes back to its queue. */
export const notBegun: object = Object.freeze({});

const refused =
  'The function was refused when it was first called, after a task of it had been submitted. Mend what that error says, and call it again.';

/** Code that a thread has loaded, or its load. */
interface Known {
  /** Which of the objects that have had the place it is in. */
  readonly life: number;
  code: Function | Load;
}

/**
 * The functions and classes that a thread has loaded, by the object that holds their code, until that is gone.
 *
 * If code cannot be loaded, its error is that of one task: the first that waits for it. Node keeps the failure of a module for
 * as long as the thread lives, so the thread is replaced, and tasks that have only waited go back to their queue. Once the
 * load has failed `MAX_FAILED_LOADS` times in a row, tasks that wait get the error too. The core counts: threads that
 * began to load before the last failure was known count once.
 */
export class CodeCache {
  readonly #runtime: ThreadRuntime;
  readonly #retirement: Retirement;
  readonly #known = new Map<number, Known>();

  constructor(runtime: ThreadRuntime, retirement: Retirement) {
    this.#runtime = runtime;
    this.#retirement = retirement;
  }

  /** The function or class of a template; its load, if it has to wait for modules, say, or could not be made. */
  of(template: Template): Function | Load {
    const { info } = template;
    if (info.kind === 'method') throw new MobulaError('ERR_MOBULA_INTERNAL', 'methods have no code of their own');
    const known = this.#known.get(info.code);
    if (known?.life === info.life) return known.code;
    const loading = this.#load(info.code, template.id);
    if (typeof loading === 'function') {
      this.#known.set(info.code, { life: info.life, code: loading });
      return loading;
    }
    const load = new Load(loading);
    const begun: Known = { life: info.life, code: load };
    this.#known.set(info.code, begun);
    // Its failure is told by the load.
    loading.then(
      (code) => {
        begun.code = code;
      },
      () => undefined,
    );
    return load;
  }

  /** The object with this code is gone. */
  forget(object: number, life: number): void {
    if (this.#known.get(object)?.life === life) this.#known.delete(object);
  }

  /**
   * What a task of `template` waits for. Rejects with the reason why there is no code if that is this task's to tell; else
   * with `notBegun`, once the thread takes no more tasks. A creation (`creates`) does not wait for that: actors that live on
   * the thread may keep it for long, and the core places the creation on another thread.
   */
  async awaited(template: Template, load: Load, creates: boolean): Promise<Function> {
    const isFirst = load.take();
    await load.over;
    if (load.code !== undefined) return load.code;
    if (isFirst || this.#isHopeless(template)) {
      this.#retirement.broken();
      throw load.error;
    }
    if (!creates) await this.#retirement.due;
    throw notBegun;
  }

  #isHopeless({ id }: Template): boolean {
    const { addon, port } = this.#runtime;
    return addon.failedLoads(port.id, id) >= MAX_FAILED_LOADS;
  }

  #load(object: number, template: number): Function | Promise<Function> {
    const { addon, port } = this.#runtime;
    const before = addon.failedLoads(port.id, template);
    const made = this.#make(object);
    if (typeof made === 'function') {
      addon.loadEnded(port.id, template, true, before);
      return made;
    }
    return made.then(
      (code) => {
        addon.loadEnded(port.id, template, true, before);
        return code;
      },
      (error: unknown) => {
        addon.loadEnded(port.id, template, false, before);
        throw error;
      },
    );
  }

  /** Nearly always the code is there before its first task, and is made without a wait. */
  #make(object: number): Function | Promise<Function> {
    const { inbox, facts } = this.#runtime;
    const there = inbox.lookNow(object);
    if (there === undefined) return this.#arrival(object).then((code) => revived(code as Code, facts));
    try {
      return revived(there.value as Code, facts);
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  #arrival(object: number): Promise<unknown> {
    const runtime = this.#runtime;
    // The core has to have the subscription while this thread has the task, whose template holds the object.
    const ref = ObjectRef.of(runtime.refs, new RefBlock([object], false), object);
    return new Promise<unknown>((resolve, reject) => {
      runtime.subscriptions.add(new SingleGet(ref, runtime.inbox, resolve, reject), 0);
      runtime.port.flush();
    });
  }
}

function revived(code: Code, facts: NodeFacts): Function | Promise<Function> {
  switch (code.kind) {
    case 'unshipped':
      return refuse;
    case 'function':
      return reviveFunction(code);
    case 'placed':
      return placed(code, facts);
  }
}

/** A function of a cluster's program: from this node's files, if these are the program's. Nothing is loaded if not. */
function placed({ code, needs }: PlacedFunction, { nodeId, cluster }: NodeFacts): Function | Promise<Function> {
  const { root } = cluster as ClusterFacts;
  const refusal = refusalOf(needs, { nodeId, root });
  if (refusal !== undefined) {
    return () => {
      throw refusal;
    };
  }
  relocate(code, needs, { root, mobula: ownUrl });
  return reviveFunction(code);
}

/** Stands in for code that there is none of. Also called as a constructor. */
function refuse(): never {
  throw new CaptureError(refused);
}
