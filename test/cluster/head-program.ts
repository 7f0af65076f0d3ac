// A program that starts a head and does nothing else: node head-program.js '{"port":0,"dataDir":…}'. It prints what it has.
import type * as HeadModule from '../../src/boot/head.ts';
import { token } from './token.ts';

const { startHead } = (await import(new URL('../../../dist/boot/head.js', import.meta.url).href)) as typeof HeadModule;
const given = JSON.parse(process.argv[2] ?? '{}') as Partial<HeadModule.HeadConfig>;
const head = await startHead({
  host: '127.0.0.1',
  port: 0,
  token,
  dataDir: null,
  nodeTimeoutMs: 5_000,
  reconnectMs: 60_000,
  note: console.error,
  ...given,
});
console.log(JSON.stringify({ port: head.port, ...head.pids }));
