import { MobulaError, ObjectStoreFullError } from '../../common/errors.ts';
import { printStep, printsSteps } from '../../common/figure7.ts';
import { isRefusal } from '../files/refusal.ts';
import type { Port } from '../port/port.ts';
import { op, outcome } from '../port/wire.ts';
import type { Template } from '../submit/template.ts';
import { remainsOfThrown } from '../values/thrown.ts';
import type { Values } from '../values/values.ts';
import type { Attempt } from './attempt.ts';

/** Writes what comes of tasks into a thread's commands. */
export class ResultWriter {
  readonly #port: Port;
  readonly #values: Values;
  /** The node whose tasks they are. */
  readonly #nodeId: string;

  constructor(port: Port, values: Values, nodeId: string) {
    this.#nodeId = nodeId;
    this.#port = port;
    this.#values = values;
  }

  /** The task has given `value`. False, and nothing written, if it may `wait` and the object store has no room. */
  succeed(task: Attempt, value: unknown, wait: boolean): boolean {
    const { numReturns } = task.template.info;
    try {
      if (numReturns === 1) this.#write(task, outcome.ok, [value], 'result');
      else this.#write(task, outcome.ok, several(task, value, numReturns), 'result');
      return true;
    } catch (error) {
      if (wait && error instanceof ObjectStoreFullError) return false;
      this.fail(task, error);
      return true;
    }
  }

  /** The task has thrown. In place of what cannot travel of an error stands a mark. */
  fail(task: Attempt, thrown: unknown): void {
    const kind = guarded(() => retries(task.template, thrown), false) ? outcome.retry : outcome.error;
    const write = (error: unknown): void =>
      this.#write(task, kind, [[error, task.name, task.attempt, this.#nodeId]], 'error');
    // Describing an error runs user code: getters, toString, proxies.
    const tell = (describe: () => unknown): boolean =>
      guarded(() => {
        write(describe());
        return true;
      }, false);
    if (tell(() => thrown)) return;
    if (tell(() => remainsOfThrown(thrown, (part) => this.#carries(part)))) return;
    // There may be no room in the object store for what can travel.
    if (tell(() => remainsOfThrown(thrown, () => false))) return;
    write(new Error('The task threw something that fails to describe itself.'));
  }

  /** The task has not begun, and goes back to its queue. */
  handBack(task: Attempt): void {
    const out = this.#port.begin(8);
    out.byte(op.result);
    out.byte(outcome.unbegun);
    out.view.setUint16(out.pos, 0, true);
    out.view.setUint32(out.pos + 2, task.index, true);
    out.pos += 6;
    this.#port.publish();
  }

  #carries(part: object): boolean {
    const port = this.#port;
    port.begin(0);
    try {
      this.#values.check(part, 'error');
      return true;
    } catch {
      return false;
    } finally {
      port.abort();
    }
  }

  #write(task: Attempt, kind: number, values: readonly unknown[], path: string): void {
    const port = this.#port;
    try {
      const out = port.begin(8);
      out.byte(op.result);
      out.byte(kind);
      out.view.setUint16(out.pos, values.length, true);
      out.view.setUint32(out.pos + 2, task.index, true);
      out.pos += 6;
      // Errors are small, and somebody waits for them.
      const always = kind !== outcome.ok;
      if (values.length === 1) this.#values.write(values[0], path, false, always);
      else for (const [i, value] of values.entries()) this.#values.write(value, `${path}[${i}]`, false, always);
    } catch (error) {
      port.abort();
      throw error;
    }
    if (printsSteps && kind === outcome.ok)
      printStep('finished', this.#nodeId, `${task.name} has ended; its result is in the store`);
    port.publish();
  }

  /** One more item of the task's stream. */
  item(task: Attempt, item: unknown): void {
    const port = this.#port;
    try {
      port.begin(9).byte(op.yield);
      port.word(task.index);
      port.word(task.generation);
      this.#values.write(item, 'item');
    } catch (error) {
      port.abort();
      throw error;
    }
    port.commit();
  }

  /** The task goes on in the background. */
  pending(task: Attempt): void {
    const writer = this.#port.begin(6);
    writer.byte(op.pending);
    writer.byte(task.blocked > 0 ? 1 : 0);
    this.#port.word(task.index);
    this.#port.publish();
  }
}

function several(task: Attempt, value: unknown, count: number): readonly unknown[] {
  if (Array.isArray(value) && value.length === count) return value;
  const got = Array.isArray(value) ? `an array of ${value.length}` : typeof value;
  const problem = `Task '${task.name}' has numReturns: ${count} and returned ${got}. Return an array of that length.`;
  throw new MobulaError('ERR_MOBULA_INVALID_ARGUMENT', problem);
}

/** Whether the template asks for another attempt after `thrown`. */
function retries(template: Template, thrown: unknown): boolean {
  if (isRefusal(thrown)) return false;
  const { retryExceptions } = template.info;
  if (typeof retryExceptions === 'boolean') return retryExceptions;
  for (let proto: unknown = thrown; typeof proto === 'object' && proto !== null; proto = Object.getPrototypeOf(proto)) {
    const name: unknown = (proto as { constructor?: { name?: unknown } }).constructor?.name;
    if (retryExceptions.includes(String(name))) return true;
  }
  return false;
}

/** What `body` gives, or `otherwise` if it throws. */
function guarded<T>(body: () => T, otherwise: T): T {
  try {
    return body();
  } catch {
    return otherwise;
  }
}
