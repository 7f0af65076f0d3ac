// What functions import: the script's modules, CommonJS, packages and Node's own modules.
import assert from 'node:assert/strict';
import { Buffer as NodeBuffer } from 'node:buffer';
import { exec } from 'node:child_process';
import * as crypto from 'node:crypto';
import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import fs, { existsSync, promises as fsPromises } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path, { basename, posix } from 'node:path';
import process from 'node:process';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import util, { inspect, promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import _ from 'lodash';
import chunk from 'lodash/chunk.js';
import { may, must, mustByModule, mustByPackage, type Program } from '../inside/program.ts';
import * as barrel from './lib/barrel.ts';
import { glue, shout as loud, scale as rescale } from './lib/barrel.ts';
import callable from './lib/callable.cjs';
import { connect, connection, count, current, disconnect, increment, reset } from './lib/counter.ts';
import * as counter from './lib/counter.ts';
import { even } from './lib/cycle-a.ts';
import { names, odd } from './lib/cycle-b.ts';
import addHundred from './lib/default-arrow.ts';
import Anonymous from './lib/default-class.ts';
import greeting from './lib/default-object.ts';
import { Point, scale } from './lib/geometry.ts';
import { count as countOfAll, total as totalOfAll } from './lib/live-all.ts';
import * as all from './lib/live-all.ts';
import { total, increment as up, reset as zero } from './lib/live-barrel.ts';
import * as plainSpace from './lib/plain.cjs';
import plain from './lib/plain.cjs';
import { cache, hidden } from './lib/singleton.ts';
import { mode, setMode, start, state } from './lib/started.ts';
import shout, { arrow, file, join, letters, renamed, SEPARATOR, slowly, table, Words } from './lib/text.ts';
import * as text from './lib/text.ts';

start();
setMode('changed');

const { join: joinPath, sep } = path;
const {
  posix: { dirname },
} = path;
const { env, platform } = process;
const readText = fs.promises.readFile;
const execAsync = promisify(exec);
const { chunk: chunks, groupBy } = _;
const { Greeter, nested } = plain;
const { log2, PI } = Math;
const words = text.Words;
const { upper } = table;
const bytesOf = NodeBuffer.from;
const greet = greeting.greet;
const isEven = even;

export const programs: Program[] = [
  // The script's own modules.
  must('a named import', (call) => call((x: number) => scale(x, 2), 3)),
  must('an arrow function', (call) => call((x: string) => arrow(x), 'a')),
  must('a constant', (call) => call(() => SEPARATOR)),
  must('an async function', (call) => call((x: string) => slowly(x), 'a')),
  must('a generator', (call) => call((x: string) => [...letters(x)], 'ab')),
  must('a class', (call) => call((x: string) => [new Words(x).first(), Words.separator], 'a-b')),
  must('an object of functions', (call) => call((x: string) => [table.upper(x), table.by(2, 3)], 'a')),
  must('a renamed export', (call) => call((x: string) => renamed(x), 'a')),
  must('a function that uses imports of its own', (call) => call((x: string) => file(x), '/a/b')),
  must('a default export', (call) => call((x: string) => shout(x), 'a')),
  must('a default class', (call) => call(() => new Anonymous().get())),
  must('a default object', (call) => call((x: string) => [greeting.greet(x), greeting.level], 'you')),
  must('a default arrow function', (call) => call((x: number) => addHundred(x), 1)),
  must('a namespace', (call) => call((x: string) => [text.arrow(x), text.SEPARATOR, text.default(x)], 'a')),
  must('the keys of a namespace', (call) => call(() => typeof text.Words)),
  must('a namespace passed on', (call) => {
    const use = (space: typeof text) => space.join('a', 'b');
    return call(() => use(text));
  }),
  must('a re-export', (call) => call((x: number) => [rescale(x, 3), glue('a', 'b'), loud('c')], 2)),
  must('a namespace of re-exports', (call) => call((x: number) => [barrel.scale(x, 3), barrel.text.arrow('a'), new barrel.Point(3, 4).length()], 2)),
  must('modules that import one another', (call) => call((n: number) => [even(n), odd(n), names()], 7)),
  must('an imported function by itself', (call) => call(join, 'a', 'b')),
  must('an imported default function by itself', (call) => call(shout, 'a')),
  must('an imported generator by itself', (call) => call(letters, 'ab')),
  must('an imported arrow function by itself', (call) => call(addHundred, 1)),
  must('an imported class as an actor', (call) => call.actor(Words, 'a-b').first()),
  must('an imported default class as an actor', (call) => call.actor(Anonymous).get()),
  must('a subclass of an imported class', (call) => {
    class Longer extends Point {
      override length() {
        return super.length() + 1;
      }
    }
    return call(() => new Longer(3, 4).length());
  }),
  must('constants taken out of imports', (call) => call((x: string) => [upper(x), new words('x-y').first(), greet(x), isEven(4)], 'a')),
  must('imported functions kept in data', (call) => {
    const routes = { '/a': arrow, '/b': { handler: shout } };
    return call((x: string) => [routes['/a'](x), routes['/b'].handler(x)], 'q');
  }),
  must('an imported function in a closure', (call) => {
    const around = (fn: (x: string) => string) => (x: string) => fn(fn(x));
    return call(around(arrow), 'a');
  }),
  must('one identity for an imported function', (call) => {
    const kept = [arrow];
    return call(() => [kept[0] === arrow, text.arrow === arrow]);
  }),
  must('one identity for an imported class', (call) => {
    const kept = { Words };
    return call(() => new kept.Words('a') instanceof Words);
  }),
  mustByModule('a dynamic import', (call) => call(async (x: string) => (await import('./lib/text.ts')).arrow(x), 'a')),
  mustByModule('a dynamic import of a default', (call) => call(async () => (await import('./lib/default-object.ts')).default.level)),
  mustByPackage('a dynamic import of CommonJS', (call) => call(async () => (await import('./lib/plain.cjs')).default.scale(2))),
  must('a dynamic import of Node', (call) => call(async () => (await import('node:path')).basename('/a/b'))),
  mustByPackage('a dynamic import of a package', (call) => call(async () => (await import('lodash')).default.chunk([1, 2, 3], 2))),
  mustByModule('an instance that a module exports', (call) => call((key: string) => cache.fill(key), 'key')),
  mustByModule('an object with a symbol that a module exports', (call) => call(() => hidden.read())),

  // Exports that change.
  // A copy that went stale must differ from what is right: the exports are set back before the functions are sent.
  may('a live binding', (call) => {
    reset();
    return call(() => { reset(); increment(); increment(); return count; });
  }, 'count'),
  may('a live binding in a helper', (call) => {
    const current = () => count;
    reset();
    return call(() => { reset(); const before = current(); increment(); return [before, current()]; });
  }, 'count'),
  may('a live binding in a closure that outlives a call', (call) => {
    reset();
    return call(async () => { reset(); const read = () => count; increment(); await null; increment(); return read(); });
  }, 'count'),
  may('a live binding of a namespace', (call) => {
    counter.reset();
    return call(() => { counter.reset(); counter.increment(); return counter.count; });
  }, 'count'),
  may('a live binding that is re-exported', (call) => {
    zero();
    return call(() => { zero(); up(); up(); return total; });
  }),
  may('a live binding that is re-exported by export *', (call) => {
    all.reset();
    return call(() => { all.reset(); all.increment(); all.increment(); return all.count; });
  }, 'count'),
  may('a live binding that is re-exported by export *, by name', (call) => {
    all.reset();
    return call(() => { all.reset(); all.increment(); all.increment(); return countOfAll; });
  }, 'count'),
  may('a live binding that is re-exported twice', (call) => {
    zero();
    return call(() => { zero(); up(); return totalOfAll; });
  }),
  may('a live binding that is filled in an await', (call) => {
    disconnect();
    return call(async () => { disconnect(); const before = connection?.url; await connect('here'); return [before, connection?.url]; });
  }, 'connection'),
  may('a live binding in a template, a shorthand and a call', (call) => {
    reset();
    return call(() => { reset(); increment(); return [`${count}`, { count }, Math.max(count, 0), typeof count]; });
  }, 'count'),
  may('a live binding in an actor', (call) => {
    class Counting {
      up() {
        reset();
        increment();
        return count;
      }
    }
    reset();
    return call.actor(Counting).up();
  }, 'count'),
  mustByModule('a live binding, as advised: a function of its module', (call) =>
    call(() => {
      reset();
      increment();
      increment();
      return current();
    }),
  ),
  mustByModule('a live binding, as advised: a function of its module, in an actor', (call) => {
    class Counting {
      up() {
        reset();
        increment();
        return [current(), counter.current()];
      }
    }
    return call.actor(Counting).up();
  }),
  must('a live binding, as advised: an argument', (call) => {
    reset();
    increment();
    return call((given: number) => given + 1, count);
  }),
  may('an export that the script has filled', (call) => call(() => state?.url)),
  may('an export that the script has changed', (call) => call(() => mode)),
  must('an export that the script has filled, as advised: an argument', (call) => call((given: any) => given.url, state)),

  // CommonJS.
  must('CommonJS: a default import', (call) => call((x: number) => [plain.scale(x), plain.FACTOR], 2)),
  must('CommonJS: a class', (call) => call(() => new plain.Greeter().greet())),
  must('CommonJS: taken out of a default import', (call) => call((x: number) => [new Greeter().greet(), nested.deep.twice(x)], 2)),
  must('CommonJS: a namespace', (call) => call((x: number) => plainSpace.scale(x), 2)),
  mustByPackage('CommonJS: a function with properties', (call) => call((x: number) => [callable(x), callable.extra(x), callable.VALUE], 2)),
  must('CommonJS: a function by itself', (call) => call(callable, 2)),
  must('CommonJS: a class as an actor', (call) => call.actor(plain.Greeter).greet()),
  mustByPackage('CommonJS: a package', (call) => call((list: number[]) => [_.chunk(list, 2), _.sum(list)], [1, 2, 3])),
  mustByPackage('CommonJS: a file of a package', (call) => call((list: number[]) => chunk(list, 2), [1, 2, 3])),
  mustByPackage('CommonJS: taken out of a package', (call) => call((list: number[]) => [chunks(list, 2), groupBy(list, (x: number) => x % 2)], [1, 2, 3])),
  mustByPackage('CommonJS: a function of a package by itself', (call) => call(_.chunk, [1, 2, 3], 2)),
  must('CommonJS: createRequire inside', (call) => call(() => createRequire(`${process.cwd()}/x.js`)('lodash').VERSION)),

  // Node's modules.
  must('node: a default import', (call) => call(() => [path.basename('/a/b'), typeof fs.readFileSync, typeof os.cpus])),
  must('node: named imports', (call) => call(() => [basename('/a/b'), posix.join('a', 'b'), existsSync('/')])),
  must('node: a namespace', (call) => call(() => crypto.createHash('md5').update('x').digest('hex'))),
  must('node: a class', (call) => call(() => createHash('sha256').update('x').digest('hex'))),
  must('node: taken out of a default import', (call) => call(() => [joinPath('a', 'b'), sep, dirname('/a/b')])),
  must('node: process', (call) => call(() => [process.version, typeof process.pid, process.platform === platform])),
  must('node: env taken out of process', (call) => call(() => env['MOBULA_BATTERY_REPORT'] === process.env['MOBULA_BATTERY_REPORT'])),
  must('node: fs.promises', (call) => call(async () => (await fsPromises.readFile('package.json', 'utf8')).length > 2)),
  must('node: a function of fs.promises', (call) => call(async () => (await readText('package.json', 'utf8')).length > 2)),
  must('node: fs/promises', (call) => call(async () => (await readFile('package.json')).length > 2)),
  may('node: a function by itself', (call) => call(basename, '/a/b')),
  must('node: a function by itself, as advised: wrapped', (call) => call((name: string) => basename(name), '/a/b')),
  must('node: Buffer', (call) => call(() => [NodeBuffer.from('ü').toString('hex'), Buffer.byteLength('ü')])),
  must('node: a static method taken out of Buffer', (call) => call(() => bytesOf('ü').toString('hex'))),
  may('node: a promisified function', (call) => call(async () => (await execAsync('echo hi')).stdout)),
  must('node: a promisified function, as advised: made in the function', (call) =>
    call(async () => {
      const run = promisify(exec);
      return (await run('echo hi')).stdout;
    })),
  must('node: timers/promises', (call) => call(async () => sleep(1, 'slept'))),
  must('node: EventEmitter and once', (call) =>
    call(async () => {
      const emitter = new EventEmitter();
      setImmediate(() => emitter.emit('x', 1, 2));
      return once(emitter, 'x');
    })),
  must('node: streams', (call) =>
    call(async () => {
      const seen: string[] = [];
      await pipeline(Readable.from(['a', 'b']), async (source: AsyncIterable<string>) => {
        for await (const item of source) seen.push(item);
      });
      return seen;
    })),
  must('node: zlib', (call) => call((x: string) => gunzipSync(gzipSync(x)).toString(), 'text')),
  must('node: util', (call) => call(() => [inspect({ a: [1] }), util.format('%d', 3), util.types.isDate(new Date())])),
  must('node: assert', (call) => call(() => assert.deepEqual([1, { a: 2 }], [1, { a: 2 }]))),
  must('node: randomBytes', (call) => call(() => randomBytes(4).length)),
  must('node: url', (call) => call(() => fileURLToPath('file:///a/b'))),
  must('node: natives of Math', (call) => call(() => [log2(8), PI])),
  must('node: an object of modules', (call) => {
    const modules = { path, util };
    return call(() => [modules.path.basename('/a/b'), modules.util.types.isMap(new Map())]);
  }),
  must('node: an instance made at the top level of a function', (call) => call(() => new URL('http://x/y?z=1').searchParams.get('z'))),
];
