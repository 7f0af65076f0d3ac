import assert from 'node:assert/strict';
import test from 'node:test';
import {
  allocate,
  asCompleted,
  cancel,
  get,
  getActor,
  init,
  kill,
  MobulaError,
  put,
  remote,
  shutdown,
  wait,
} from 'mobula';
import { limit, suite } from '../support/suite.ts';

suite();

const f = remote((n: number) => n);
const A = remote(class {});

/** Whether `error` is a mobula error of that code which names what is wrong. */
const refusal =
  (code: string, named: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof MobulaError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, named);
    return true;
  };

const badTaskOptions: readonly (readonly [object, RegExp])[] = [
  [{ numCPUs: 1 }, /numCPUs/],
  [{ numCpus: -1 }, /numCpus/],
  [{ numCpus: Number.NaN }, /numCpus/],
  [{ numCpus: '1' }, /numCpus/],
  [{ numCpus: 0.00001 }, /numCpus/],
  [{ numReturns: 0 }, /numReturns/],
  [{ numReturns: 1.5 }, /numReturns/],
  [{ maxRetries: -2 }, /maxRetries/],
  [{ timeoutMs: 0 }, /timeoutMs/],
  [{ timeoutMs: Number.POSITIVE_INFINITY }, /timeoutMs/],
  [{ priority: 1001 }, /priority/],
  [{ retryExceptions: ['Error'] }, /retryExceptions/],
  [{ resources: { CPU: 1 } }, /resources\.CPU/],
  [{ resources: { a: -1 } }, /resources\.a/],
  [{ resources: 3 }, /resources/],
  [{ name: '' }, /name/],
  [{ signal: {} }, /signal/],
  [{ schedulingStrategy: 'best' }, /schedulingStrategy/],
  [{ memory: 0.5 }, /memory/],
];

for (const [options, named] of badTaskOptions) {
  test(`task options ${JSON.stringify(options)} are refused by name`, limit, () => {
    assert.throws(() => remote(() => 1, options), refusal('ERR_MOBULA_INVALID_OPTION', named));
    assert.throws(() => f.options(options), refusal('ERR_MOBULA_INVALID_OPTION', named));
  });
}

const badActorOptions: readonly (readonly [object, RegExp])[] = [
  [{ maxRestart: 1 }, /maxRestart/],
  [{ maxRestarts: -2 }, /maxRestarts/],
  [{ maxTaskRetries: 0.5 }, /maxTaskRetries/],
  [{ maxConcurrency: 0 }, /maxConcurrency/],
  [{ maxPendingCalls: -3 }, /maxPendingCalls/],
  [{ lifetime: 'forever' }, /lifetime/],
  [{ isolation: 'vm' }, /isolation/],
  [{ getIfExists: true }, /getIfExists/],
  [{ getIfExists: 'yes', name: 'x' }, /getIfExists/],
  [{ name: 5 }, /name/],
];

for (const [options, named] of badActorOptions) {
  test(`actor options ${JSON.stringify(options)} are refused by name`, limit, () => {
    assert.throws(() => remote(class {}, options), refusal('ERR_MOBULA_INVALID_OPTION', named));
    assert.throws(() => A.options(options), refusal('ERR_MOBULA_INVALID_OPTION', named));
  });
}

test('what is neither function nor class is refused', limit, () => {
  for (const wrong of [undefined, null, 1, 'f', {}, []]) {
    assert.throws(() => remote(wrong as () => void), refusal('ERR_MOBULA_INVALID_ARGUMENT', /function or a class/));
  }
});

test('a generator takes no numReturns', limit, () => {
  const generate = function* (): Generator<number> {
    yield 1;
  };
  assert.throws(() => remote(generate, { numReturns: 2 }), refusal('ERR_MOBULA_INVALID_OPTION', /numReturns/));
  assert.throws(() => remote(generate).options({ numReturns: 2 }), refusal('ERR_MOBULA_INVALID_OPTION', /numReturns/));
});

const notRef = 5 as never;

test('what is not a ref is refused', limit, async () => {
  const wrong = refusal('ERR_MOBULA_INVALID_ARGUMENT', /not an ObjectRef/);
  await assert.rejects(get(notRef), wrong);
  await assert.rejects(get([notRef]), refusal('ERR_MOBULA_INVALID_ARGUMENT', /refs\[0\]/));
  await assert.rejects(wait([put(1), notRef]), refusal('ERR_MOBULA_INVALID_ARGUMENT', /refs\[1\]/));
  await assert.rejects(cancel(notRef), wrong);
  const stream = remote(function* () {
    yield 1;
  }).remote();
  await assert.rejects(cancel(stream as never), refusal('ERR_MOBULA_INVALID_ARGUMENT', /a stream.+signal/));
  await assert.rejects(asCompleted([notRef]).next(), refusal('ERR_MOBULA_INVALID_ARGUMENT', /refs\[0\]/));
  await assert.rejects(wait(notRef), refusal('ERR_MOBULA_INVALID_ARGUMENT', /array/));
});

test('limits that make no sense are refused', limit, async () => {
  const ref = put(1);
  const option = (named: RegExp) => refusal('ERR_MOBULA_INVALID_OPTION', named);
  await assert.rejects(get(ref, { timeoutMs: -1 }), option(/timeoutMs/));
  await assert.rejects(get(ref, { timeout: 1 } as object), option(/timeout/));
  await assert.rejects(get(ref, { signal: 1 as never }), option(/signal/));
  await assert.rejects(wait([ref], { numReturns: 2 }), option(/numReturns/));
  await assert.rejects(wait([ref], { numReturns: -1 }), option(/numReturns/));
  await assert.rejects(cancel(ref, { recursiv: true } as object), option(/recursiv/));
  await assert.rejects(shutdown({ timeoutMs: -1 }), option(/timeoutMs/));
});

test('allocate checks its class and length', limit, () => {
  assert.throws(() => allocate(Array as never, 1), refusal('ERR_MOBULA_INVALID_ARGUMENT', /typed array/));
  assert.throws(() => allocate(Float32Array, -1), refusal('ERR_MOBULA_INVALID_OPTION', /length/));
  assert.throws(() => allocate(Float32Array, 1.5), refusal('ERR_MOBULA_INVALID_OPTION', /length/));
});

test('getActor and kill check what they get', limit, async () => {
  await assert.rejects(getActor('nobody'), refusal('ERR_MOBULA_ACTOR_NOT_FOUND', /nobody/));
  await assert.rejects(getActor(''), refusal('ERR_MOBULA_INVALID_OPTION', /name/));
  await assert.rejects(getActor('half \ud800'), refusal('ERR_MOBULA_INVALID_OPTION', /name/));
  await assert.rejects(kill({}), refusal('ERR_MOBULA_INVALID_ARGUMENT', /actor handle/));
  await assert.rejects(kill(put(1)), refusal('ERR_MOBULA_INVALID_ARGUMENT', /actor handle/));
});

test('a second init is refused, unless it says that it does not mind', limit, async () => {
  await assert.rejects(init(), refusal('ERR_MOBULA_ALREADY_INITIALIZED', /ignoreReinit/));
  const runtime = await init({ ignoreReinit: true });
  assert.equal(typeof runtime.nodeId, 'string');
  assert.equal(await get(f.remote(1)), 1);
});

const values: readonly (readonly [unknown, RegExp])[] = [
  [() => 1, /args\[0\]/],
  [{ deep: { callback: () => 1 } }, /args\[0\]\.deep\.callback/],
  [[1, Symbol('s')], /args\[0\]\[1\]/],
  [new (class Point {})(), /args\[0\].*Point/],
  [new WeakMap(), /args\[0\]/],
  [Promise.resolve(1), /args\[0\]/],
];

for (const [value, path] of values) {
  test(`an argument that cannot travel is refused at ${path.source}`, limit, async () => {
    assert.throws(() => f.remote(value as number), refusal('ERR_MOBULA_SERIALIZATION', path));
    assert.throws(() => put(value), refusal('ERR_MOBULA_SERIALIZATION', /value/));
    assert.equal(await get(f.remote(2)), 2);
  });
}

test('a released ref is refused', limit, async () => {
  const ref = put(1);
  ref[Symbol.dispose]();
  await assert.rejects(get(ref), refusal('ERR_MOBULA_INVALID_ARGUMENT', /released/));
  assert.throws(() => f.remote(ref), refusal('ERR_MOBULA_INVALID_ARGUMENT', /released/));
  assert.throws(() => put([ref]), /released/);
  ref[Symbol.dispose]();
});
