import type { Debugger, Runtime, Session } from 'node:inspector';
import { runInThisContext } from 'node:vm';
import { CaptureError } from '../../common/errors.ts';

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

/** What a name stands for in the scopes around a function. */
export type ScopeEntry =
  | { readonly state: 'value'; readonly value: unknown; readonly global: boolean }
  | { readonly state: 'uninitialised' };

/** What the inspector tells about one function. */
export interface FunctionFacts {
  readonly location: FunctionLocation | undefined;
  /** Reads `names` from the scopes around the function, the innermost first; names found nowhere are left out. */
  read(names: readonly string[]): Map<string, ScopeEntry>;
}

interface Box {
  readonly fn: object;
  names: readonly string[];
  found: [name: string, entry: ScopeEntry][];
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
      const global = this[i].description === 'Global';
      try {
        if (!(global ? name in scope : Object.prototype.hasOwnProperty.call(scope, name))) continue;
        box.found.push([name, { state: 'value', value: scope[name], global }]);
      } catch {
        box.found.push([name, { state: 'uninitialised' }]);
      }
      break;
    }
  }
}`;

/** A short conversation with V8's inspector in this very thread. Everything is synchronous. */
export class Inspector {
  readonly #session: Session;
  // Test runners that isolate with node:vm run us in a realm of their own, the inspector's expressions in the main one.
  readonly #realms: ReadonlySet<object> = new Set([globalThis, runInThisContext('globalThis') as object]);

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
    const functionId = this.#withBox({ fn, names: [], found: [] }, () => {
      const { result } = this.#post<Runtime.EvaluateReturnType>('Runtime.evaluate', { expression: `${boxText}.fn` });
      return result.objectId;
    });
    const { internalProperties = [] } = this.#post<Runtime.GetPropertiesReturnType>('Runtime.getProperties', {
      objectId: functionId,
      ownProperties: true,
    });
    const internal = (name: string): Runtime.RemoteObject | undefined =>
      internalProperties.find((property) => property.name === name)?.value;
    const site = internal('[[FunctionLocation]]')?.value as Debugger.Location | undefined;
    const scopesId = internal('[[Scopes]]')?.objectId;
    return {
      location: site && { scriptId: site.scriptId, line: site.lineNumber, column: site.columnNumber ?? 0 },
      read: (names) => {
        const box: Box = { fn, names, found: [] };
        if (scopesId !== undefined && names.length > 0) {
          const call = { objectId: scopesId, functionDeclaration: readScopes };
          this.#withBox(box, () => this.#post('Runtime.callFunctionOn', call));
        }
        return new Map(box.found);
      },
    };
  }

  /** The script with this id, or `undefined` where V8 has dropped its text. */
  script(scriptId: string): ScriptSource | undefined {
    let parsed: Debugger.ScriptParsedEventDataType | undefined;
    const onParsed = (message: { params: Debugger.ScriptParsedEventDataType }): void => {
      if (message.params.scriptId === scriptId) parsed = message.params;
    };
    this.#session.on('Debugger.scriptParsed', onParsed);
    try {
      this.#post('Debugger.enable');
      if (parsed === undefined) return undefined;
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
