// What functions throw.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import net from 'node:net';
import vm from 'node:vm';
import zlib from 'node:zlib';
import { must, type Program } from '../inside/program.ts';
import { HttpError, ImportedError } from './lib/errors.ts';

const LIMIT = 3;

class AppError extends Error {
  status: number;
  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AppError';
    this.status = status;
  }
}
class CodedError extends RangeError {
  code = 'E_CODED';
  details = { limit: LIMIT };
}
class DeepError extends AppError {
  level = 'deep';
}
class GetterError extends Error {
  get name() {
    return 'GetterError';
  }
}
class PrivateError extends Error {
  #secret = 1;
  shown = 2;
  secret() {
    return this.#secret;
  }
}
class SeveralError extends AggregateError {
  count = LIMIT;
}
class Response {
  status = 500;
  headers = new Map([['a', 'b']]);
}

export const programs: Program[] = [
  // Errors of the language.
  must('Error', (call) => call(() => { throw new Error('plain'); })),
  must('TypeError', (call) => call(() => { throw new TypeError('wrong type'); })),
  must('RangeError', (call) => call(() => { throw new RangeError('too far'); })),
  must('SyntaxError', (call) => call(() => JSON.parse('{'))),
  must('ReferenceError', (call) => call(() => (0, eval)('missing'))),
  must('EvalError', (call) => call(() => { throw new EvalError('eval'); })),
  must('URIError', (call) => call(() => decodeURIComponent('%'))),
  must('AggregateError', (call) => call(() => { throw new AggregateError([new TypeError('a'), 'b'], 'several'); })),
  must('AggregateError of Promise.any', (call) => call(() => Promise.any([Promise.reject(new Error('a')), Promise.reject(new RangeError('b'))]))),
  must('a TypeError of the engine', (call) => call((x: any) => x.a.b, {})),
  must('a RangeError of the engine', (call) => call(() => new Array(-1))),
  must('a RangeError of BigInt', (call) => call(() => 1n / 0n)),
  must('too deep a recursion', (call) => call(() => { const f = (): number => f() + 1; return f(); })),
  must('an Error without a message', (call) => call(() => { throw new Error(); })),
  must('an Error with an empty message', (call) => call(() => { throw new RangeError(''); })),
  must('a message of many lines', (call) => call(() => { throw new Error('one\ntwo\n  three'); })),
  must('a message in another script', (call) => call(() => { throw new Error('日本 👍 ü'); })),

  // Causes.
  must('a cause', (call) => call(() => { throw new Error('outer', { cause: new TypeError('inner') }); })),
  must('a chain of causes', (call) =>
    call(() => { throw new Error('a', { cause: new RangeError('b', { cause: new TypeError('c', { cause: 'the end' }) }) }); })),
  must('a cause that is data', (call) => call(() => { throw new Error('outer', { cause: { code: 1, list: [1n] } }); })),
  must('a cause that is undefined', (call) => call(() => { throw new Error('outer', { cause: undefined }); })),
  must('a cause of a class of the script', (call) => call(() => { throw new Error('outer', { cause: new AppError('inner', 404) }); })),
  must('a cause with properties', (call) => call(() => { throw new Error('outer', { cause: Object.assign(new Error('inner'), { code: 'E_IN', n: -0 }) }); })),
  must('an error that is its own cause', (call) => call(() => { const error: any = new Error('ring'); error.cause = error; throw error; })),
  must('a cause that cannot travel', (call) => call(() => { throw new Error('outer', { cause: () => 1 }); })),
  must('an error in an error', (call) => call(() => { throw Object.assign(new Error('outer'), { inner: new RangeError('inner'), list: [new TypeError('t')] }); })),

  // Own properties.
  must('a code', (call) => call(() => { throw Object.assign(new Error('e'), { code: 'E_CODE' }); })),
  must('a code that is a number', (call) => call(() => { throw Object.assign(new Error('e'), { code: 42 }); })),
  must('properties', (call) => call(() => { throw Object.assign(new Error('e'), { status: 404, body: { list: [1, -0, null] }, at: new Date(5) }); })),
  must('a property that is undefined', (call) => call(() => { throw Object.assign(new Error('e'), { nothing: undefined }); })),
  must('another name', (call) => call(() => { throw Object.assign(new TypeError('e'), { name: 'Renamed' }); })),
  must('a Map and bytes in properties', (call) => call(() => { throw Object.assign(new Error('e'), { map: new Map([[1, 2]]), bytes: new Uint8Array([1]) }); })),
  must('an Error with a stack of its own', (call) => call(() => { throw Object.assign(new Error('e'), { stack: 'Error: e\n    at my place' }); })),

  // Properties that cannot travel: the others do, and a mark stays.
  must('a function among the properties', (call) => call(() => { throw Object.assign(new RangeError('e'), { status: 404, retry: () => 1 }); })),
  must('an instance among the properties', (call) => call(() => { throw Object.assign(new Error('e'), { status: 500, response: new Response() }); })),
  must('a symbol among the properties', (call) => call(() => { throw Object.assign(new Error('e'), { code: 'E', tag: Symbol('x') }); })),
  must('as HTTP clients throw', (call) =>
    call(() => {
      const config = { url: 'http://x', adapter: () => 1, headers: { a: 'b' } };
      throw Object.assign(new Error('Request failed'), { name: 'AxiosError', code: 'ERR_BAD_RESPONSE', status: 500, config, request: new Response(), response: { status: 500, data: 'text', config } });
    })),
  must('a function among the properties of a cause', (call) => call(() => { throw new Error('outer', { cause: Object.assign(new TypeError('inner'), { code: 'E', run: () => 1 }) }); })),
  must('an AggregateError with an error that has a function', (call) =>
    call(() => { throw Object.assign(new AggregateError([Object.assign(new TypeError('a'), { retry: () => 1, n: 1 }), new RangeError('b')], 'several'), { code: 'E_ALL' }); })),
  must('an AggregateError with a function among its errors', (call) => call(() => { throw new AggregateError([new TypeError('a'), () => 1], 'several'); })),
  must('a property keyed by a symbol', (call) => call(() => { throw Object.assign(new Error('e'), { status: 1, [Symbol('hidden')]: 2 }); })),
  must('a getter that throws', (call) =>
    call(() => {
      const error = Object.assign(new Error('e'), { status: 1 });
      Object.defineProperty(error, 'bad', { enumerable: false, get() { throw new Error('no'); } });
      throw error;
    })),
  must('a promise among the properties', (call) => call(() => { throw Object.assign(new Error('e'), { status: 1, pending: Promise.resolve(1) }); })),
  must('a class among the properties', (call) => call(() => { throw Object.assign(new Error('e'), { status: 1, type: AppError }); })),
  must('a WeakMap deep in the properties', (call) => call(() => { throw Object.assign(new Error('e'), { status: 1, a: { b: [1, new WeakMap()] } }); })),

  // Classes of one's own.
  must('a class of the script', (call) => call(() => { throw new AppError('app', 404); })),
  must('a class of the script with a cause', (call) => call(() => { throw new AppError('app', 404, { cause: new TypeError('why') }); })),
  must('a class of the script that extends RangeError', (call) => call(() => { throw new CodedError('coded'); })),
  must('a class that extends a class of the script', (call) => call(() => { throw new DeepError('deep', 1); })),
  must('a class whose name is a getter', (call) => call(() => { throw new GetterError('getter'); })),
  must('a class with private members', (call) => call(() => { throw new PrivateError('private'); })),
  must('a class that extends AggregateError', (call) => call(() => { throw new SeveralError([new Error('a')], 'several'); })),
  must('an imported class', (call) => call(() => { throw new ImportedError('imported'); })),
  must('an imported class with a function among its fields', (call) => call(() => { throw new HttpError('http', 502); })),
  must('caught with instanceof inside', (call) =>
    call(() => { try { throw new AppError('x', 1); } catch (error: any) { return [error instanceof AppError, error.status, error.name]; } })),
  must('an error that is returned', (call) => call(() => new AppError('returned', 3))),
  must('an error that is an argument', (call) => call((error: any) => [error.message, error.status, error instanceof Error], Object.assign(new Error('given'), { status: 4 }))),
  must('an error that is thrown again', (call) => call((error: Error) => { throw error; }, Object.assign(new RangeError('again'), { code: 'E_AGAIN' }))),
  must('a captured error that is thrown', (call) => {
    const error = Object.assign(new TypeError('captured'), { status: 5 });
    return call(() => { throw error; });
  }),

  // What is no Error.
  must('a text is thrown', (call) => call(() => { throw 'text'; })),
  must('a number is thrown', (call) => call(() => { throw -0; })),
  must('undefined is thrown', (call) => call(() => { throw undefined; })),
  must('null is thrown', (call) => call(() => { throw null; })),
  must('an object is thrown', (call) => call(() => { throw { code: 1, list: [1] }; })),
  must('an array is thrown', (call) => call(() => { throw [1, 'a']; })),
  must('a Map is thrown', (call) => call(() => { throw new Map([[1, 2]]); })),
  must('false in a rejected promise', (call) => call(() => Promise.reject(false))),

  // Errors of Node and of the web.
  must('ENOENT', (call) => call(() => readFileSync('/no/such/file'))),
  must('ENOENT of a promise', (call) => call(() => readFile('/no/such/file'))),
  must('a TypeError with a code', (call) => call(() => createHash('md5').update(5 as any))),
  must('an unknown digest', (call) => call(() => createHash('none'))),
  must('ERR_ASSERTION', (call) => call(() => assert.equal(1, 2))),
  must('an AssertionError of data', (call) => call(() => assert.deepEqual({ a: [1] }, { a: [2] }))),
  must('AbortError', (call) => call(() => { AbortSignal.abort().throwIfAborted(); })),
  must('a reason of abort', (call) => call(() => { AbortSignal.abort(new RangeError('reason')).throwIfAborted(); })),
  must('a DOMException', (call) => call(() => { throw new DOMException('message', 'DataCloneError'); })),
  must('DataCloneError', (call) => call(() => structuredClone(() => 1))),
  must('an invalid URL', (call) => call(() => new URL('no url'))),
  must('an invalid argument of Buffer', (call) => call(() => Buffer.alloc(-1))),
  must('a child that fails', (call) =>
    call(() => {
      try {
        execFileSync('/bin/sh', ['-c', 'echo said; exit 3'], { stdio: 'pipe' });
      } catch (error: any) {
        throw Object.assign(error, { pid: 0 });
      }
    }),
  ),
  must('a program that does not exist', (call) => call(() => execFileSync('/no/such/program'))),
  must('damaged data of zlib', (call) => call(() => zlib.gunzipSync(Buffer.from('not gzip')))),
  must('a refused connection', (call) => call(() => new Promise((_, reject) => net.connect(1, '127.0.0.1').once('error', reject)))),
  must('an error of node:vm', (call) => call(() => vm.runInThisContext('throw new RangeError("in vm")'))),
  must('an error of another realm', (call) => call(() => { try { vm.runInNewContext('null.x'); } catch (error: any) { return [error.name, error.message]; } })),
  must('fetch that fails', (call) => call(async () => { await fetch('http://127.0.0.1:1/'); })),

  // Where it is thrown.
  must('in an async function', (call) => call(async () => { await null; throw new AppError('async', 1); })),
  must('in a generator', (call) => call(function* () { yield 1; throw new RangeError('second'); })),
  must('in an async generator', (call) => call(async function* () { yield 1; await null; throw new AppError('later', 2); })),
  must('in a helper', (call) => { const check = (x: number) => { if (x > LIMIT) throw new CodedError(`${x} > ${LIMIT}`); return x; }; return call((x: number) => check(x), 9); }),
  must('in a default parameter', (call) => call((x = (() => { throw new TypeError('default'); })()) => x)),
  must('in a timer that rejects', (call) => call(() => new Promise((_, reject) => setTimeout(() => reject(new RangeError('later')), 1)))),
  must('in a method of an actor', async (call) => {
    class Broken { n = 0; fail() { this.n++; throw new AppError('actor', this.n); } read() { return this.n; } }
    const actor = call.actor(Broken);
    const seen: unknown[] = [];
    for (const method of ['fail', 'fail', 'read']) seen.push(await actor[method]().catch((error: any) => [error.name, error.message, error.status]));
    return seen;
  }),
  must('in the constructor of an actor', (call) => {
    class Broken { constructor(n: number) { throw new CodedError(`no ${n}`); } run() {} }
    return call.actor(Broken, 5).run();
  }),
  must('errors of several calls', async (call) => {
    const fail = (n: number) => { throw Object.assign(new Error(`e${n}`), { n }); };
    return Promise.all([1, 2, 3].map((n) => call(fail, n).catch((error: any) => [error.message, error.n])));
  }),
];
