import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { cannotListen } from '../errors.ts';
import { UNPROVEN_BYTES } from '../limits.ts';
import type { Accept, Listener, Self } from '../ports.ts';
import { type Evict, Gate, type Visitor } from '../proof/gate.ts';
import { prove } from '../proof/prove.ts';
import { isLoopback, withPort } from './addresses.ts';
import { answer, bytesOf, TLS_HEADER } from './answers.ts';
import { countUnproven } from './budget.ts';
import { acceptTls } from './tls.ts';
import { WsChannel } from './ws-channel.ts';
import { wsOptions } from './ws-options.ts';

/** A socket that has not proven the token. */
interface Newcomer {
  readonly visitor: Visitor;
  readonly address: string;
  evict: Evict;
}

/** The first byte of TLS. */
const TLS_HANDSHAKE = 0x16;

/**
 * Listens with `ws`. One port serves both kinds of peers, and the first byte says which: with TLS from anywhere, without it only from
 * this machine to a loopback address.
 *
 * @throws MobulaError (`ERR_MOBULA_CONNECTION`): the port is taken, or there is no such address.
 */
export async function listen(host: string, port: number, self: Self, accept: Accept): Promise<Listener> {
  const gate = new Gate();
  const newcomers = new WeakMap<Duplex, Newcomer>();
  const channels = new Set<WsChannel>();
  const websockets = new WebSocketServer({ ...wsOptions, noServer: true, clientTracking: false });
  const http = createHttpServer({ maxHeaderSize: UNPROVEN_BYTES, keepAlive: false });
  http.on('request', (request) => answer(request.socket, 426));
  http.on('clientError', (_error, socket) => answer(socket, 400));
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // Only browsers say where a page is from.
    if (request.headers.origin !== undefined) answer(socket, 403);
    else websockets.handleUpgrade(request, socket, head, (websocket) => upgraded(request, socket, websocket));
  });
  websockets.on('wsClientError', (_error, socket) => answer(socket, 400));

  const upgraded = (request: IncomingMessage, socket: Duplex, websocket: WebSocket): void => {
    const newcomer = newcomers.get(socket) as Newcomer;
    const channel = new WsChannel(websocket, socket, newcomer.address);
    const stopCounting = countUnproven(socket, bytesOf(request));
    newcomer.evict = (code, text) => {
      channel.close(code, text);
      (socket as Socket).destroySoon();
    };
    channels.add(channel);
    websocket.on('close', () => channels.delete(channel));
    prove(channel, 'acceptor', self, {
      proven: () => {
        newcomer.visitor.leave();
        stopCounting();
      },
      accept,
      failed: () => newcomer.visitor.leave(),
    });
  };

  const server = createServer({ noDelay: true }, (socket) => {
    const address = withPort(socket.remoteAddress ?? 'unknown', socket.remotePort ?? 0);
    const newcomer: Newcomer = {
      address,
      evict: () => socket.destroy(),
      visitor: gate.enter((code, text) => newcomer.evict(code, text)),
    };
    socket.on('error', () => {});
    socket.on('close', () => newcomer.visitor.leave());
    const serve = (stream: Duplex): void => {
      newcomers.set(stream, newcomer);
      http.emit('connection', stream);
    };
    socket.once('data', (chunk) => {
      socket.pause();
      socket.unshift(chunk);
      if (chunk[0] === TLS_HANDSHAKE) acceptTls(socket, self.token, serve);
      else if (isLoopback(socket.remoteAddress) && isLoopback(socket.localAddress)) {
        serve(socket);
        socket.resume();
      } else answer(socket, 426, `${TLS_HEADER}: required\r\n`);
    });
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(host, port, error)));
    server.listen(port, host, resolve);
  });
  // An error of accept(), such as too many open files, costs that connection alone.
  server.on('error', () => {});
  return {
    host,
    port: (server.address() as AddressInfo).port,
    get unproven() {
      return gate.size;
    },
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      gate.clear();
      for (const channel of channels) channel.close('stopped', 'the listener stops');
      await closed;
    },
  };
}
