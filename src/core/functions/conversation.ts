import type { Runtime, Session } from 'node:inspector';
import { runInThisContext } from 'node:vm';
import { CaptureError } from '../../common/errors.ts';
import { setImmediate } from '../../common/timers.ts';

/** So many captures share a conversation: V8 keeps what it has shown until the end of it. */
const MOST = 64;

/** How values cross between this code and what the inspector runs: as references, never as copies. */
interface Box {
  value: unknown;
}

/** What stands on the global object while the inspector is shown the box. */
const boxSymbol = Symbol.for('mobula.capture');
const getBox = 'globalThis[Symbol.for("mobula.capture")]';
// V8 compiles these for each call, so they are short: what there is to do with a value is done here.
const getValue = 'function(){return this.value}';
const setValue = 'function(value){this.value=value}';

// A module of Node's own is the main realm's. Test runners that isolate with node:vm run us in a realm of their own, the
// inspector's expressions in the main one.
const isMainRealm = runInThisContext instanceof Function;
const mainRealm: object = isMainRealm ? globalThis : (runInThisContext('globalThis') as object);

/**
 * A conversation with V8's inspector in this thread. To begin one costs as much as half of what a capture asks, so the captures of a turn of the
 * event loop share it.
 */
export class Conversation {
  readonly session: Session;
  readonly #box: Box = { value: undefined };
  readonly #boxId: string | undefined;
  /** How many captures have it now: one may lead to another. */
  users = 0;
  /** How many may still join. */
  left: number = MOST;

  constructor() {
    try {
      const { Session: SessionClass } = process.getBuiltinModule('node:inspector');
      this.session = new SessionClass();
      this.session.connect();
    } catch (cause) {
      throw new CaptureError(
        'mobula reads what a function closes over through node:inspector, which this Node does not offer. ' +
          'Run a Node built with the inspector, and with --allow-inspector where --permission is on.',
        { cause },
      );
    }
    Reflect.defineProperty(mainRealm, boxSymbol, { value: this.#box, configurable: true });
    this.#boxId = this.post<Runtime.EvaluateReturnType>('Runtime.evaluate', { expression: getBox }).result.objectId;
    Reflect.deleteProperty(mainRealm, boxSymbol);
  }

  /** What the inspector calls an object. */
  idOf(value: object): string | undefined {
    this.#box.value = value;
    const call = { objectId: this.#boxId, functionDeclaration: getValue };
    const { result } = this.post<Runtime.CallFunctionOnReturnType>('Runtime.callFunctionOn', call);
    this.#box.value = undefined;
    return result.objectId;
  }

  /** The value that the inspector has described. */
  valueOf(described: Runtime.RemoteObject): unknown {
    const call = { objectId: this.#boxId, functionDeclaration: setValue, arguments: [argumentOf(described)] };
    this.post('Runtime.callFunctionOn', call);
    const { value } = this.#box;
    this.#box.value = undefined;
    return value;
  }

  /** Asks the inspector, which answers at once. */
  post<Result>(method: string, params: object = {}): Result {
    let answer: { readonly result: Result } | undefined;
    let failure: Error | null = null;
    this.session.post(method, params, (error, result) => {
      failure = error;
      answer = { result: result as Result };
    });
    if (failure !== null || answer === undefined) {
      throw new CaptureError(`node:inspector failed at ${method}.`, { cause: failure });
    }
    return answer.result;
  }
}

let current: Conversation | undefined;
/** Whether the end of the turn is waited for. */
let isWatched = false;

/** The conversation of this turn; to be left again. */
export function join(): Conversation {
  if (current === undefined || current.left === 0) {
    const full = current;
    current = new Conversation();
    if (full !== undefined) endUnused(full);
  }
  if (!isWatched) {
    isWatched = true;
    setImmediate(endTurn);
  }
  current.users++;
  current.left--;
  return current;
}

/** A capture is over. */
export function leave(conversation: Conversation): void {
  conversation.users--;
  if (conversation !== current) endUnused(conversation);
}

function endTurn(): void {
  isWatched = false;
  const over = current;
  current = undefined;
  if (over !== undefined) endUnused(over);
}

/** V8 drops the references it held for it. */
function endUnused({ users, session }: Conversation): void {
  if (users === 0) session.disconnect();
}

function argumentOf({ objectId, value, unserializableValue }: Runtime.RemoteObject): Runtime.CallArgument {
  if (objectId !== undefined) return { objectId };
  return unserializableValue === undefined ? { value: value as unknown } : { unserializableValue };
}
