import type { Debugger, Profiler, Runtime } from 'node:inspector';
import { type Conversation, join, leave } from './conversation.ts';
import { type Home, holdsAny, homeOf, readNames, type ScopeChain, type ScopeEntry } from './scope-chain.ts';

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

/** What the inspector tells about one function. */
export interface FunctionFacts {
  readonly location: FunctionLocation | undefined;
  /** Where the function stands. */
  home(): Home;
  /** Whether the scopes around the function, apart from the global object, hold any of `words`. No value is looked at. */
  surroundedBy(words: readonly string[]): boolean;
  /** What the static private fields of a class hold, by name. */
  privates(): Map<string, unknown>;
  /** Reads `names` from the scopes around the function, the innermost first; names found nowhere are left out. */
  read(names: readonly string[]): Map<string, ScopeEntry>;
}

/** Node's types leave out the private fields. */
interface Properties extends Runtime.GetPropertiesReturnType {
  readonly privateProperties?: readonly { readonly name: string; readonly value?: Runtime.RemoteObject }[];
}

/** Where scripts come from, of those asked about: a script keeps its URL. */
const urls = new Map<string, string>();

const scriptIds = new WeakMap<object, string>();

/** Up to this many bytes, walking over the heap costs less than having V8 list its scripts, which hashes all their text. */
const smallHeap = 32 << 20;

/** What one capture asks V8's inspector in this very thread. Everything is synchronous. */
export class Inspector {
  #joined: Conversation | undefined;

  get #conversation(): Conversation {
    this.#joined ??= join();
    return this.#joined;
  }

  /** The capture is over. */
  close(): void {
    if (this.#joined !== undefined) leave(this.#joined);
  }

  /** Looks at one function. The answer is good until `close`. */
  look(fn: object): FunctionFacts {
    const conversation = this.#conversation;
    const { internalProperties = [], privateProperties = [] } = this.#post<Properties>('Runtime.getProperties', {
      objectId: conversation.idOf(fn),
      ownProperties: true,
    });
    const internal = (name: string): Runtime.RemoteObject | undefined =>
      internalProperties.find((property) => property.name === name)?.value;
    const site = internal('[[FunctionLocation]]')?.value as Debugger.Location | undefined;
    const scopes = internal('[[Scopes]]');
    let known: ScopeChain | undefined;
    const chain = (): ScopeChain => {
      known ??= scopes === undefined ? [] : (conversation.valueOf(scopes) as ScopeChain);
      return known;
    };
    return {
      location: site && { scriptId: site.scriptId, line: site.lineNumber, column: site.columnNumber ?? 0 },
      home: () => homeOf(chain()),
      surroundedBy: (words) => holdsAny(chain(), words),
      privates: () => {
        const fields = new Map<string, unknown>();
        for (const { name, value } of privateProperties) if (value) fields.set(name, conversation.valueOf(value));
        return fields;
      },
      read: (names) => (names.length === 0 ? new Map() : readNames(chain(), names)),
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
    this.#conversation.session.on('Debugger.scriptParsed', onParsed);
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
      this.#conversation.session.off('Debugger.scriptParsed', onParsed);
      this.#post('Debugger.disable');
    }
  }

  #post<Result>(method: string, params?: object): Result {
    return this.#conversation.post(method, params);
  }
}
