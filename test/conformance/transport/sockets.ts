import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Listener } from '../../../src/transport/ports.ts';
import { Handshake } from '../../../src/transport/proof/handshake.ts';
import { withPort } from '../../../src/transport/websocket/addresses.ts';
import { codeOf } from '../../../src/transport/websocket/close-codes.ts';
import { connect } from '../../../src/transport/websocket/dial.ts';
import { tlsOptions } from '../../../src/transport/websocket/tls.ts';
import { type Fabric, token } from './fabric.ts';

/** A wire between a port and a listener, that can be cut. */
async function wireTo({ host, port }: Listener): Promise<{ readonly port: number; cut(): void }> {
  const ends = new Set<Socket>();
  const server = createServer((near) => {
    const far = createConnection({ host, port });
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end.setNoDelay(true);
      end.on('error', () => {});
      end.on('close', () => other.destroy());
      end.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      for (const end of ends) end.destroy();
      server.close();
    },
  };
}

/** Everything but `listen`, for listeners on real sockets, with TLS or without. */
export function socketsOf(tls: boolean): Omit<Fabric, 'listen'> {
  const open = ({ host, port }: Listener): WebSocket => {
    const websocket = new WebSocket(`${tls ? 'wss' : 'ws'}://${withPort(host, port)}/`, {
      perMessageDeflate: false,
      ...(tls ? tlsOptions(token) : {}),
    });
    websocket.on('error', () => {});
    return websocket;
  };
  return {
    connect: ({ host, port }, self, accept) => connect(host, port, self, accept),
    async connectToCut(listener, self, accept) {
      const wire = await wireTo(listener);
      await connect(listener.host, wire.port, self, accept);
      return wire.cut;
    },
    async raw(listener) {
      const websocket = open(listener);
      const closed = new Promise<{ code: string; text: string }>((resolve) => {
        websocket.on('close', (code, reason) => resolve({ code: codeOf(code), text: reason.toString() }));
      });
      const first = new Promise<Uint8Array>((resolve) => websocket.once('message', (data: Buffer) => resolve(data)));
      await Promise.race([new Promise((resolve) => websocket.once('open', resolve)), closed]);
      return { send: (frame) => websocket.send(frame), closed, first, end: () => websocket.terminate() };
    },
    async deaf(listener, self, heard) {
      const websocket = open(listener);
      const handshake = new Handshake('dialer', self, 'test');
      await new Promise<void>((resolve, reject) => {
        const shake = (data: Buffer): void => {
          const outcome = handshake.receive(data);
          if ('refuse' in outcome) {
            reject(new Error(outcome.text));
            return;
          }
          if (outcome.send !== undefined) websocket.send(outcome.send);
          if (outcome.proven === undefined) return;
          websocket.removeListener('message', shake);
          websocket.pause();
          resolve();
        };
        websocket.on('message', shake);
      });
      websocket.on('message', (data: Buffer) => heard(data));
      return { hear: () => websocket.resume(), end: () => websocket.terminate() };
    },
    pass: (milliseconds) => sleep(milliseconds),
  };
}
