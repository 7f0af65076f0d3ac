import type { Debugger, Profiler, Runtime, Session } from 'node:inspector';
import { runInThisContext } from 'node:vm';
import { CaptureError } from '../../common/errors.ts';
import { wrapperPrefix } from './shipped.ts';

/** Where V8 says a function starts; counted from 0. */
export interface FunctionLocation {
  readonly scriptId: string;
  readonly line: number;
  readonly column: number;
}

/** A script as V8 knows it. */
export interface ScriptSource {
  readonly url: string;
  readonly text: string;
  /** The line and column its first character counts as. */
  readonly startLine: number;
  readonly startColumn: number;
  readonly isModule: boolean;
  /** What its `sourceMappingURL` comment says. */
  readonly sourceMap?: string | undefined;
}

/**
 * What a name stands for in the scopes around a function. `global`: a property of the global object; `shared`: a `let`, `const` or `class` of a
 * script's top level, which every other script sees.
 */
export type ScopeEntry =
  | { readonly state: 'value'; readonly value: unknown; readonly global: boolean; readonly shared?: boolean }
  | { readonly state: 'uninitialised' };

/**
 * The code a function stands in: an ES module, a function that came from another thread, or any other script. `open`: no
 * scopes tell, as none of its variables is used by a function; it may be any of them.
 */
export type Home = 'module' | 'revived' | 'script' | 'open';

/** What the inspector tells about one function. */
export interface FunctionFacts {
  readonly location: FunctionLocation | undefined;
  /** Where the function stands, and whether the scopes around it, apart from the global object, hold any of `words`. No value is looked at. */
  surroundings(words: readonly string[]): { readonly home: Home; readonly isHit: boolean };
  /** What the static private fields of a class hold, by name. */
  privates(): Map<string, unknown>;
  /** Reads `names` from the scopes around the function, the innermost first; names found nowhere are left out. */
  read(names: readonly string[]): Map<string, ScopeEntry>;
}

/** Node's types leave out the private fields. */
interface Properties extends Runtime.GetPropertiesReturnType {
  readonly privateProperties?: readonly { readonly name: string; readonly value?: Runtime.RemoteObject }[];
}

interface Box {
  readonly fn: object;
  readonly names: readonly string[];
  readonly found: [name: string, entry: ScopeEntry][];
  readonly scopes: string[];
  readonly values: unknown[];
  isHit: boolean;
}

// The box is how values cross between this code and what the inspector evaluates: as references, never as copies.
const boxKey = 'mobula.capture';
const boxSymbol = Symbol.for(boxKey);
const boxText = `globalThis[Symbol.for(${JSON.stringify(boxKey)})]`;

// Reading a name in its temporal dead zone throws from Node 22 on and gives undefined on Node 20.
const readScopes = `function () {
  const box = ${boxText};
  for (const name of box.names) {
    for (let i = 0; i < this.length; i++) {
      const scope = this[i].object;
      const { description } = this[i];
      const global = description === 'Global';
      try {
        if (!(global ? name in scope : Object.prototype.hasOwnProperty.call(scope, name))) continue;
        box.found.push([name, { state: 'value', value: scope[name], global, shared: description === 'Script' }]);
      } catch {
        box.found.push([name, { state: 'uninitialised' }]);
      }
      break;
    }
  }
}`;

const scanScopes = `function () {
  const box = ${boxText};
  for (let i = 0; i < this.length; i++) {
    const { object, description } = this[i];
    box.scopes.push(description);
    if (description === 'Global') continue;
    try {
      for (const name of box.names) box.isHit ||= Object.prototype.hasOwnProperty.call(object, name);
    } catch {
      box.isHit = true;
    }
  }
}`;

/** Where scripts come from, of those asked about: a script keeps its URL. */
const urls = new Map<string, string>();

const scriptIds = new WeakMap<object, string>();

// A module of Node's own is the main realm's.
const isMainRealm = runInThisContext instanceof Function;

/** Up to this many bytes, walking over the heap costs less than having V8 list its scripts, which hashes all their text. */
const smallHeap = 32 << 20;

/** A short conversation with V8's inspector in this very thread. Everything is synchronous. */
export class Inspector {
  readonly #session: Session;
  // Test runners that isolate with node:vm run us in a realm of their own, the inspector's expressions in the main one.
  readonly #realms: readonly object[] = isMainRealm
    ? [globalThis]
    : [globalThis, runInThisContext('globalThis') as object];

  constructor() {
    try {
      const { Session: SessionClass } = process.getBuiltinModule('node:inspector');
      this.#session = new SessionClass();
      this.#session.connect();
    } catch (cause) {
      throw new CaptureError(
        'mobula reads what a function closes over through node:inspector, which this Node does not offer. ' +
          'Run a Node built with the inspector, and with --allow-inspector where --permission is on.',
        { cause },
      );
    }
  }

  /** Ends the conversation; V8 drops the references it held for it. */
  close(): void {
    this.#session.disconnect();
  }

  /** Looks at one function. `read` works until `close`. */
  look(fn: object): FunctionFacts {
    const functionId = this.#withBox(boxOf(fn), () => {
      const { result } = this.#post<Runtime.EvaluateReturnType>('Runtime.evaluate', { expression: `${boxText}.fn` });
      return result.objectId;
    });
    const { internalProperties = [], privateProperties = [] } = this.#post<Properties>('Runtime.getProperties', {
      objectId: functionId,
      ownProperties: true,
    });
    const internal = (name: string): Runtime.RemoteObject | undefined =>
      internalProperties.find((property) => property.name === name)?.value;
    const site = internal('[[FunctionLocation]]')?.value as Debugger.Location | undefined;
    const scopesId = internal('[[Scopes]]')?.objectId;
    const ask = (functionDeclaration: string, names: readonly string[]): Box => {
      const box = boxOf(fn, names);
      if (scopesId !== undefined) {
        this.#withBox(box, () => this.#post('Runtime.callFunctionOn', { objectId: scopesId, functionDeclaration }));
      }
      return box;
    };
    return {
      location: site && { scriptId: site.scriptId, line: site.lineNumber, column: site.columnNumber ?? 0 },
      surroundings: (words) => {
        const { scopes, isHit } = ask(scanScopes, words);
        return { home: homeOf(scopes), isHit };
      },
      privates: () => {
        const fields = privateProperties.filter(({ value }) => value !== undefined);
        const box = boxOf(fn);
        const arguments_ = fields.map(({ value }) => argumentOf(value as Runtime.RemoteObject));
        this.#withBox(box, () =>
          this.#post('Runtime.callFunctionOn', {
            objectId: functionId,
            functionDeclaration: `function (...values) { ${boxText}.values.push(...values) }`,
            arguments: arguments_,
          }),
        );
        return new Map(fields.map(({ name }, i) => [name, box.values[i]]));
      },
      read: (names) => new Map(names.length === 0 ? [] : ask(readScopes, names).found),
    };
  }

  /** The script a function stands in. */
  scriptIdOf(fn: object): string | undefined {
    let id = scriptIds.get(fn);
    if (id === undefined) {
      id = this.look(fn).location?.scriptId;
      if (id !== undefined) scriptIds.set(fn, id);
    }
    return id;
  }

  /** The URL of any script. */
  urlOfAny(scriptId: string): string {
    return this.urlOf(scriptId) ?? this.script(scriptId)?.url ?? '';
  }

  /** The URL of the script with this id, where it can be told without a list of all scripts. */
  urlOf(scriptId: string): string | undefined {
    const url = urls.get(scriptId) ?? this.#urlOnStack(scriptId) ?? this.#urlOfCovered(scriptId);
    if (url !== undefined) urls.set(scriptId, url);
    return url;
  }

  /** The script may be running right now: most functions are first called by the file they stand in. */
  #urlOnStack(scriptId: string): string | undefined {
    this.#post('Runtime.enable');
    const thrown = { expression: 'throw 0', silent: true };
    const { exceptionDetails } = this.#post<Runtime.EvaluateReturnType>('Runtime.evaluate', thrown);
    this.#post('Runtime.disable');
    return exceptionDetails?.stackTrace?.callFrames.find((frame) => frame.scriptId === scriptId)?.url;
  }

  /** V8 counts calls anyway, and says of which scripts. Enabling the profiler would end other sessions' coverage; asking does not. */
  #urlOfCovered(scriptId: string): string | undefined {
    if (process.memoryUsage().heapUsed > smallHeap) return undefined;
    try {
      const coverage = this.#post<Profiler.GetBestEffortCoverageReturnType>('Profiler.getBestEffortCoverage');
      return coverage.result.find((script) => script.scriptId === scriptId)?.url;
    } catch {
      return undefined;
    }
  }

  /** The script with this id, or `undefined` where V8 has dropped its text. */
  script(scriptId: string): ScriptSource | undefined {
    return this.findScript((script) => script.scriptId === scriptId);
  }

  /** The newest script that `isWanted`; V8 lists all of them. */
  findScript(isWanted: (script: Debugger.ScriptParsedEventDataType) => boolean): ScriptSource | undefined {
    let parsed: Debugger.ScriptParsedEventDataType | undefined;
    const onParsed = ({ params }: { params: Debugger.ScriptParsedEventDataType }): void => {
      if (isWanted(params)) parsed = params;
    };
    this.#session.on('Debugger.scriptParsed', onParsed);
    try {
      this.#post('Debugger.enable');
      if (parsed === undefined) return undefined;
      const { scriptId } = parsed as Debugger.ScriptParsedEventDataType;
      const source = this.#post<Debugger.GetScriptSourceReturnType>('Debugger.getScriptSource', { scriptId });
      return {
        url: parsed.url,
        text: source.scriptSource,
        startLine: parsed.startLine,
        startColumn: parsed.startColumn,
        isModule: parsed.isModule ?? false,
        sourceMap: parsed.sourceMapURL || undefined,
      };
    } finally {
      this.#session.off('Debugger.scriptParsed', onParsed);
      this.#post('Debugger.disable');
    }
  }

  #withBox<Result>(box: Box, action: () => Result): Result {
    for (const realm of this.#realms) Reflect.defineProperty(realm, boxSymbol, { value: box, configurable: true });
    try {
      return action();
    } finally {
      for (const realm of this.#realms) Reflect.deleteProperty(realm, boxSymbol);
    }
  }

  #post<Result>(method: string, params: object = {}): Result {
    let answer: { readonly result: Result } | undefined;
    let failure: Error | null = null;
    this.#session.post(method, params, (error, result) => {
      failure = error;
      answer = { result: result as Result };
    });
    if (failure !== null || answer === undefined) {
      throw new CaptureError(`node:inspector failed at ${method}.`, { cause: failure });
    }
    return answer.result;
  }
}

function boxOf(fn: object, names: readonly string[] = []): Box {
  return { fn, names, found: [], scopes: [], values: [], isHit: false };
}

function argumentOf({ objectId, value, unserializableValue }: Runtime.RemoteObject): Runtime.CallArgument {
  if (objectId !== undefined) return { objectId };
  return unserializableValue === undefined ? { value: value as unknown } : { unserializableValue };
}

function homeOf(scopes: readonly string[]): Home {
  if (scopes.includes('Module')) return 'module';
  if (scopes.every((description) => description === 'Global' || description === 'Script')) return 'open';
  return scopes.some((description) => description.includes(wrapperPrefix)) ? 'revived' : 'script';
}
