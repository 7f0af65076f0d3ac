/** Frames of 64 bytes from this process to another one and back: one at a time, then 64 at a time. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer } from 'ws';
import { check, parameters, report } from '../lib/child.mjs';
import { median, percentile } from '../lib/stats.mjs';
import { buildTransport } from '../lib/transport.mjs';

const { system, echo = false, calls = 20_000, warmUp = 5000, batches = 3000 } = parameters;
/** The file of the transport; the process that measures makes it, and the one that echoes is told of it. */
let { code } = parameters;
const SIZE = 64;
const BATCH = 64;
const SERVER = '0000000000000001';
const CLIENT = '0000000000000002';
const selfOf = (nodeId) => ({ nodeId, version: '0.1.0', token: 'benchmark' });
const idle = { drained: () => {}, closed: () => {} };

/** Of each system: how it echoes (gives the port), and how it connects (gives `send` and `end`). */
const systems = {
  'bare ws': {
    async listen() {
      const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
      server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
      await once(server, 'listening');
      return server.address().port;
    },
    async connect(port, receive) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
      await once(socket, 'open');
      socket.on('message', receive);
      return { send: (frame) => socket.send(frame), end: () => socket.terminate() };
    },
  },
  mobula: channel((transport) => transport.listenAny.bind(undefined, undefined)),
  'mobula, uWebSockets.js': channel((transport) => {
    const uws = transport.findUws(createRequire(import.meta.url).resolve('ws'));
    check(uws !== undefined, 'uWebSockets.js does not load');
    return transport.listenAny.bind(undefined, uws);
  }),
  'mobula session': {
    async listen() {
      const transport = await import(code);
      const runner = new transport.SessionRunner(SERVER, {
        dial: () => Promise.reject(new Error('it has no address')),
        deliver: (from, _n, body) => void runner.send(from, body.slice(), false),
        held() {},
        go() {},
        ended() {},
      });
      return (await transport.listenAny(undefined, '127.0.0.1', 0, selfOf(SERVER), runner.accept)).port;
    },
    async connect(port, receive) {
      const transport = await import(code);
      const runner = new transport.SessionRunner(CLIENT, {
        dial: (_to, accept) => transport.connect('127.0.0.1', port, selfOf(CLIENT), accept),
        deliver: (_from, _n, body) => receive(body),
        held() {},
        go() {},
        ended() {},
      });
      return { send: (frame) => void runner.send(SERVER, frame, false), end: () => runner.stop() };
    },
  },
};

function channel(listener) {
  return {
    async listen() {
      const listen = listener(await import(code));
      const accept = (to) => ({ ...idle, frame: (bytes) => void to.send(bytes.slice()) });
      return (await listen('127.0.0.1', 0, selfOf(SERVER), accept)).port;
    },
    async connect(port, receive) {
      const { connect } = await import(code);
      const to = await connect('127.0.0.1', port, selfOf(CLIENT), () => ({ ...idle, frame: receive }));
      return { send: (frame) => void to.send(frame), end: () => to.close('done', 'done') };
    },
  };
}

async function measure() {
  code = await buildTransport();
  const child = spawn(
    process.execPath,
    [fileURLToPath(import.meta.url), JSON.stringify({ system, code, echo: true })],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [port] = await once(createInterface(child.stdout), 'line');
  let waitsFor = 0;
  let done = () => {};
  const receive = (frame) => {
    check(frame.length === SIZE, `${frame.length} bytes came back`);
    waitsFor -= 1;
    if (waitsFor === 0) done();
  };
  const { send, end } = await systems[system].connect(port, receive);
  const frame = new Uint8Array(SIZE).fill(7);
  const round = (count) =>
    new Promise((resolve) => {
      waitsFor = count;
      done = resolve;
      for (let i = 0; i < count; i += 1) send(frame);
    });

  for (let i = 0; i < warmUp; i += 1) await round(1);
  const times = new Float64Array(calls);
  for (let i = 0; i < calls; i += 1) {
    const started = performance.now();
    await round(1);
    times[i] = 1000 * (performance.now() - started);
  }
  for (let i = 0; i < batches / 4; i += 1) await round(BATCH);
  const rates = [];
  for (let part = 0; part < 5; part += 1) {
    const started = performance.now();
    for (let i = 0; i < batches / 5; i += 1) await round(BATCH);
    rates.push(((batches / 5) * BATCH) / ((performance.now() - started) / 1000));
  }
  report({ p50: percentile(times, 0.5), p99: percentile(times, 0.99), rate: median(rates) });
  end();
  child.stdin.end();
  await once(child, 'exit');
}

if (echo) {
  console.log(await systems[system].listen());
  // Ends with its parent.
  process.stdin.on('end', () => process.exit()).resume();
} else await measure();
