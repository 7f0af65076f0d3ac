import assert from 'node:assert/strict';
import test from 'node:test';
import { Application } from '../support/application.ts';

const limit = { timeout: 120_000 };

/** As applications set OpenTelemetry up: in a module that Node loads first, in every thread. */
const setup = `
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
new NodeTracerProvider().register({ propagator: new W3CTraceContextPropagator() });
`;

const program = `
import { trace } from '@opentelemetry/api';
import { get, remote, shutdown } from 'mobula';

const seen = () => {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? null : [span.traceId, span.spanId];
};
const sync = remote((a, b) => [a + b, seen()]);
const awaited = remote(async () => {
  const before = seen();
  await new Promise((resolve) => setTimeout(resolve, 5));
  return [before, seen()];
});
const nested = remote(() => get(remote(() => seen()).remote()));
const items = remote(function* () {
  yield seen();
  yield seen();
});
const Actor = remote(class {
  #made = seen();
  look() {
    return [this.#made, seen()];
  }
});

const tracer = trace.getTracer('test');
const results = await tracer.startActiveSpan('request', async (span) => {
  const { traceId, spanId } = span.spanContext();
  const one = sync.remote(1, 2);
  const listed = [];
  for await (const item of items.remote()) listed.push(await get(item));
  const all = {
    sync: await get(one),
    ref: (await get(sync.remote(remote((x) => x).remote(5), 1)))[0],
    awaited: await get(awaited.remote()),
    nested: await get(nested.remote()),
    items: listed,
    actor: await get(Actor.remote().look.remote()),
  };
  span.end();
  return { here: traceId === undefined ? null : [traceId, spanId], all };
});
console.log(JSON.stringify({ ...results, outside: (await get(sync.remote(1, 1)))[1] }));
await shutdown();
`;

type Span = readonly [traceId: string, spanId: string] | null;
interface Seen {
  readonly here: readonly [string, string];
  readonly outside: Span;
  readonly all: {
    readonly sync: readonly [number, Span];
    readonly ref: number;
    readonly awaited: readonly Span[];
    readonly nested: Span;
    readonly items: readonly Span[];
    readonly actor: readonly Span[];
  };
}

function traced(files: Readonly<Record<string, string>>): Application {
  const application = new Application(files);
  for (const name of ['@opentelemetry/api', '@opentelemetry/core', '@opentelemetry/sdk-trace-node'])
    application.link(name);
  return application;
}

test('tasks, calls, generators and the tasks they start run in the trace of their caller', limit, async () => {
  using application = traced({ 'setup.mjs': setup, 'main.js': program });
  const { code, output, errors } = await application.node(['--import', './setup.mjs', 'main.js']);
  assert.equal(errors, '');
  assert.equal(code, 0);
  const { here, outside, all } = JSON.parse(output) as Seen;
  assert.match(here[0], /^[0-9a-f]{32}$/);
  assert.deepEqual(all, {
    sync: [3, here],
    ref: 6,
    awaited: [here, here],
    nested: here,
    items: [here, here],
    actor: [here, here],
  });
  assert.equal(outside, null);
});

test('a trace goes on through threads that know nothing of OpenTelemetry', limit, async () => {
  // Registered in the driver alone: what a worker is sent comes back when it calls on.
  using application = traced({
    'main.js': `
${setup}
import { propagation, trace } from '@opentelemetry/api';
import { get, remote, shutdown } from 'mobula';
const registered = () => Boolean(globalThis[Symbol.for('opentelemetry.js.api.1')]);
const inner = remote(async () => {
  await import('./setup.mjs');
  return registered();
});
const spanHere = remote(async () => {
  const { trace } = await import('@opentelemetry/api');
  return trace.getActiveSpan()?.spanContext().traceId ?? null;
});
const outer = remote(async () => {
  const before = registered();
  return [before, await get(spanHere.remote())];
});
const result = await trace.getTracer('test').startActiveSpan('request', async (span) => {
  const first = await get(outer.remote());
  await get(Array.from({ length: 8 }, () => inner.remote()));
  return [span.spanContext().traceId, first, (await get(outer.remote()))[1]];
});
console.log(JSON.stringify(result));
await shutdown();
`,
    'setup.mjs': setup,
  });
  const { code, output, errors } = await application.node(['main.js']);
  assert.equal(errors, '');
  assert.equal(code, 0);
  const [trace, first, later] = JSON.parse(output) as [string, [boolean, string | null], string | null];
  assert.deepEqual(first, [false, null]);
  assert.equal(later, trace);
});

test('without OpenTelemetry nothing of it is loaded, and arguments are what they were', limit, async () => {
  using application = new Application({
    'main.js': `
import { get, remote, shutdown } from 'mobula';
const count = remote((...args) => [args.length, Boolean(globalThis[Symbol.for('opentelemetry.js.api.1')])]);
console.log(JSON.stringify([await get(count.remote()), await get(count.remote(1, 2))]));
await shutdown();
`,
  });
  const { code, output, errors } = await application.node(['main.js']);
  assert.deepEqual({ code, output, errors }, { code: 0, output: '[[0,false],[2,false]]\n', errors: '' });
});
