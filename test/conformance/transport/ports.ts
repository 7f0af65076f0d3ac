import assert from 'node:assert/strict';
import { request } from 'node:http';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { isMobulaError } from '../../../src/common/errors.ts';
import { FRAME_BYTES, PROTOCOL } from '../../../src/transport/limits.ts';
import { encode } from '../../../src/transport/messages/message.ts';
import { transportTable } from '../../../src/transport/messages/transport-table.ts';
import type { Listener } from '../../../src/transport/ports.ts';
import { Handshake } from '../../../src/transport/proof/handshake.ts';
import { codeOf } from '../../../src/transport/websocket/close-codes.ts';
import { connect } from '../../../src/transport/websocket/dial.ts';
import { Random } from '../../support/random.ts';
import { until } from '../../support/until.ts';
import { Ear, type Fabric, limit, pair, selfOf } from './fabric.ts';

/** Everything a socket says until it is closed, after `bytes` were sent. */
function exchange({ host, port }: Listener, bytes: Uint8Array | string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, host, () => socket.write(bytes));
    let said = '';
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      said += text;
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(said));
  });
}

const upgrade = (headers: string): string =>
  `GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${headers}\r\n`;

/** What holds for a port on which WebSockets are accepted. */
export function portTests(name: string, fabric: () => Fabric): void {
  const withListener = async (use: (listener: Listener) => Promise<void>): Promise<void> => {
    const far = new Ear();
    const listener = await fabric().listen(selfOf(), far.accept);
    await use(listener);
    // It still serves.
    const near = new Ear();
    await fabric().connect(listener, selfOf(), near.accept);
    await until(
      () => listener.unproven === 0,
      () => `${listener.unproven} have not left`,
    );
    await listener.stop();
  };

  test(`${name}: an HTTP request is answered in one line, whatever its method and path`, limit, () =>
    withListener(async (listener) => {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'HEAD']) {
        for (const path of ['/', '/api/jobs', '/../../etc/passwd']) {
          const { host, port } = listener;
          const status = await new Promise((resolve, reject) => {
            const sent = request({ host, port, method, path, agent: false }, (answer) => {
              answer.resume();
              resolve(answer.statusCode);
            });
            sent.on('error', reject);
            sent.end();
          });
          assert.equal(status, 426, `${method} ${path}`);
        }
      }
    }),
  );

  test(`${name}: a browser is refused`, limit, () =>
    withListener(async (listener) => {
      for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${listener.port}`]) {
        assert.match(await exchange(listener, upgrade(`Origin: ${origin}\r\n`)), /^HTTP\/1\.1 403 /);
      }
    }),
  );

  test(`${name}: garbage on the port is closed (seeds 1 … 100)`, limit, () =>
    withListener(async (listener) => {
      const send = async (seed: number): Promise<void> => {
        const random = new Random(seed);
        // Not the first byte of TLS, whose handshake is awaited for up to 5 s, and with an end, for those who wait for a line's.
        const bytes = Uint8Array.from({ length: 10 + random.below(2000) }, () => random.below(256));
        bytes[0] = random.below(22);
        bytes.set(Buffer.from('\r\n\r\n'), bytes.length - 4);
        const said = await exchange(listener, bytes);
        assert.ok(said === '' || said.startsWith('HTTP/1.1 400'), `seed ${seed}: ${said}`);
      };
      // uWebSockets.js waits 10 s for the rest of some. Of `ws` the gate would turn away the first ones of more than 64.
      const together = name === 'ws' ? 50 : 100;
      for (let first = 1; first <= 100; first += together) {
        await Promise.all(Array.from({ length: together }, (_, i) => send(first + i)));
      }
    }),
  );

  test(`${name}: a text frame and a frame too long end the channel with their reasons`, limit, async () => {
    const ears: Ear[] = [];
    const listener = await fabric().listen(selfOf(), (channel, peer) => {
      const ear = new Ear();
      ears.push(ear);
      return ear.accept(channel, peer);
    });
    for (const [frame, reason] of [
      ['text', 'text'],
      [new Uint8Array(FRAME_BYTES + 1), 'too-long'],
    ] as const) {
      const websocket = await proven(listener);
      const before = ears.length;
      websocket.send(frame);
      await new Promise((resolve) => websocket.on('close', resolve));
      const { code } = await (ears[before - 1] as Ear).closed;
      // uWebSockets.js closes without a reason what is too long.
      assert.ok(code === reason || (name !== 'ws' && code === 'lost'), code);
      assert.equal((ears[before - 1] as Ear).frames.length, 0);
    }
    await listener.stop();
  });

  test(`${name}: a socket that ends half-way through a frame is lost, and gives no part of it`, limit, async () => {
    const { listener, far } = await pair(fabric());
    const websocket = await proven(listener);
    // A frame of 1000 bytes, of which ten come.
    const socket = (websocket as unknown as { readonly _socket: Socket })._socket;
    socket.write(Buffer.concat([Buffer.from([0x82, 0xfe, 0x03, 0xe8, 0, 0, 0, 0]), Buffer.alloc(10)]));
    socket.end();
    await until(() => far.channel !== undefined);
    assert.equal((await far.closed).code, 'lost');
    assert.equal(far.frames.length, 0);
    await listener.stop();
  });

  test(`${name}: what is not mobula at the other end is said in one line`, limit, async () => {
    const cases: readonly (readonly [string, (socket: Socket) => void, RegExp])[] = [
      [
        'a web server',
        (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
        /not mobula \(it answers HTTP 200\)/,
      ],
      ['garbage', (socket) => socket.end('+OK hello\r\n'), /not mobula/],
      ['hangs up', (socket) => socket.destroy(), /cannot be reached/],
      ['says nothing', () => {}, /no answer within 5 s/],
    ];
    for (const [what, behave, message] of cases) {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.once('data', () => behave(socket));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      await assert.rejects(connect('127.0.0.1', port, selfOf(), new Ear().accept), (error) => {
        assert.ok(isMobulaError(error) && error.code === 'ERR_MOBULA_CONNECTION', `${what}: ${error}`);
        assert.match(error.message, message);
        assert.equal(error.message.includes('\n'), false);
        return true;
      });
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  test(`${name}: a listener of another version is refused with one line`, limit, async () => {
    const { WebSocketServer } = await import('ws');
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    server.on('connection', (websocket) => {
      const { nodeId } = selfOf();
      const challenge = encode(transportTable.CHALLENGE, { nonce: new Uint8Array(32), nodeId, version: '9.9.9' });
      challenge[1] = PROTOCOL + 1;
      websocket.send(challenge);
    });
    await new Promise((resolve) => server.on('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await assert.rejects(connect('127.0.0.1', port, selfOf(), new Ear().accept), (error) => {
      assert.ok(isMobulaError(error) && error.code === 'ERR_MOBULA_VERSION', `${error}`);
      assert.match(error.message, /is mobula 9\.9\.9 with protocol 2; this is mobula .* with protocol 1\. Install/);
      return true;
    });
    server.close();
  });

  test(`${name}: a listener that does not know the token is refused`, limit, async () => {
    const { WebSocketServer } = await import('ws');
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    server.on('connection', (websocket) => {
      websocket.send(new Handshake('acceptor', selfOf({ token: 'guessed' }), 'x').challenge());
      websocket.once('message', () => {
        websocket.send(encode(transportTable.WELCOME, { proof: new Uint8Array(32) }));
      });
    });
    await new Promise((resolve) => server.on('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await assert.rejects(
      connect('127.0.0.1', port, selfOf(), () => {
        throw new Error('it was accepted');
      }),
      (error) => isMobulaError(error) && error.code === 'ERR_MOBULA_UNAUTHORIZED',
    );
    server.close();
  });

  /** A WebSocket that has proven the token. */
  function proven({ host, port }: Listener): Promise<WebSocket> {
    const websocket = new WebSocket(`ws://${host}:${port}/`, { perMessageDeflate: false });
    const handshake = new Handshake('dialer', selfOf(), 'test');
    websocket.on('error', () => {});
    return new Promise((resolve, reject) => {
      websocket.on('close', (code) => reject(new Error(codeOf(code))));
      websocket.on('message', (data: Buffer) => {
        const outcome = handshake.receive(data);
        if ('refuse' in outcome) reject(new Error(outcome.text));
        else if (outcome.send !== undefined) websocket.send(outcome.send);
        else if (outcome.proven !== undefined) resolve(websocket);
      });
    });
  }
}
