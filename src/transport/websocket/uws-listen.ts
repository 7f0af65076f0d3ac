import { setImmediate } from '../../common/timers.ts';
import { cannotListen } from '../errors.ts';
import { FRAME_BYTES, UNSENT_BYTES } from '../limits.ts';
import type { Accept, Listener, Self } from '../ports.ts';
import { Gate } from '../proof/gate.ts';
import { prove } from '../proof/prove.ts';
import { isLoopback, resolve } from './addresses.ts';
import type { Uws, UwsBehavior, UwsSocket } from './uws.ts';
import { UwsChannel } from './uws-channel.ts';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Whether `listenUws` can serve that host: it has no TLS, so only this machine's own addresses. */
export async function uwsServes(host: string): Promise<boolean> {
  return isLoopback(await resolve(host).catch(() => undefined));
}

/**
 * Listens with uWebSockets.js, at a loopback address and a port that the system chooses.
 *
 * It tells of a socket only once that is a WebSocket: those that send no request are counted by it, and closed by it after 10 s.
 *
 * @throws MobulaError (`ERR_MOBULA_CONNECTION`): the address is not a loopback one.
 */
export async function listenUws(uws: Uws, host: string, self: Self, accept: Accept): Promise<Listener> {
  if (!(await uwsServes(host))) {
    throw cannotListen(host, 0, new Error('uWebSockets.js serves loopback addresses only'));
  }
  const gate = new Gate();
  const channels = new Map<UwsSocket, UwsChannel>();
  const behavior: UwsBehavior = {
    compression: 0,
    maxPayloadLength: FRAME_BYTES,
    // It drops what is above in silence, so the channel's own limit comes first.
    maxBackpressure: 2 * UNSENT_BYTES,
    closeOnBackpressureLimit: true,
    idleTimeout: 0,
    sendPingsAutomatically: false,
    upgrade(response, request, context) {
      if (request.getHeader('origin') !== '') {
        response.writeStatus('403 Forbidden').end('Browsers may not connect to this port.\n', true);
        return;
      }
      const header = (name: string): string => request.getHeader(`sec-websocket-${name}`);
      response.upgrade({}, header('key'), header('protocol'), header('extensions'), context);
    },
    open(socket) {
      const channel = new UwsChannel(socket);
      channels.set(socket, channel);
      const visitor = gate.enter((code, text) => channel.close(code, text));
      prove(channel, 'acceptor', self, { proven: () => visitor.leave(), accept, failed: () => visitor.leave() });
    },
    message: (socket, message, isBinary) => channels.get(socket)?.message(message, isBinary),
    drain: (socket) => channels.get(socket)?.drain(),
    close(socket, code, reason) {
      channels.get(socket)?.gone(code, reason);
      channels.delete(socket);
    },
  };
  const app = uws.App().ws('/', behavior);
  app.any('/*', (response) => {
    response.writeStatus('426 Upgrade Required').end('This port speaks the protocol of mobula.\n', true);
  });
  const socket = await new Promise<unknown>((done) => app.listen(host, 0, done));
  if (socket === false) {
    throw cannotListen(host, 0, new Error('uWebSockets.js found no port'));
  }
  return {
    host,
    port: uws.us_socket_local_port(socket),
    get unproven() {
      return gate.size;
    },
    async stop() {
      uws.us_listen_socket_close(socket);
      gate.clear();
      for (const channel of channels.values()) channel.close('stopped', 'the listener stops');
      // Its loop closes sockets in a later turn.
      while (channels.size > 0) await turn();
      await turn();
    },
  };
}
