import { portable } from '../../store/codec/hooks.ts';
import { portableKind } from '../values/portable-kind.ts';

/** A trace context on its way: what the application's propagator wrote, such as `traceparent`. */
export type Carrier = Readonly<Record<string, string>>;

/** What is used of OpenTelemetry's context manager; a context is opaque. */
interface ContextManager {
  active(): object;
  with<R>(context: object, body: () => R): R;
}

type Setter = { set(carrier: Record<string, string>, name: string, value: string): void };
type Getter = { get(carrier: Carrier, name: string): string | undefined; keys(carrier: Carrier): string[] };

/** What is used of OpenTelemetry's propagator. */
interface Propagator {
  inject(context: object, carrier: Record<string, string>, setter: Setter): void;
  extract(context: object, carrier: Carrier, getter: Getter): object;
}

interface Api {
  readonly context?: ContextManager;
  readonly propagation?: Propagator;
}

/** Where all copies of `@opentelemetry/api` find what the application has registered. Nothing is loaded to look. */
const key = Symbol.for('opentelemetry.js.api.1');
const holder = globalThis as { readonly [key]?: Api };

const setter: Setter = {
  set(carrier, name, value) {
    carrier[name] = value;
  },
};

const getter: Getter = {
  get: (carrier, name) => carrier[name],
  keys: (carrier) => Object.keys(carrier),
};

/** Adds trace contexts to the calls of a thread. */
export class Tracing {
  #api: Api | undefined;
  #turn = -1;

  /**
   * The arguments of a call and, as one more, the trace context that it is made in, if there is one. `inherited` is that of
   * the task that makes the call: it goes on through threads that know nothing of OpenTelemetry. What is registered is looked
   * up once for the calls of a turn, since the global object is slow.
   */
  add(args: readonly unknown[], turn: number, inherited: Carrier | undefined): readonly unknown[] {
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#api = holder[key];
    }
    if (this.#api === undefined && inherited === undefined) return args;
    const carrier = active(this.#api) ?? inherited;
    return carrier === undefined ? args : [...args, { [portable]: () => [portableKind.trace, carrier] as const }];
  }
}

function active(api: Api | undefined): Carrier | undefined {
  if (api?.context === undefined || api.propagation === undefined) return undefined;
  const carrier: Record<string, string> = {};
  api.propagation.inject(api.context.active(), carrier, setter);
  return Object.keys(carrier).length === 0 ? undefined : carrier;
}

/** Runs the code of a task in the trace context that it was called in, where this thread has OpenTelemetry. */
export function inTrace<R>(carrier: Carrier, body: () => R): R {
  const api = holder[key];
  if (api?.context === undefined || api.propagation === undefined) return body();
  return api.context.with(api.propagation.extract(api.context.active(), carrier, getter), body);
}
