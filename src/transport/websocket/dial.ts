import type { Duplex } from 'node:stream';
import { WebSocket } from 'ws';
import { isMobulaError, type MobulaError } from '../../common/errors.ts';
import { cannotConnect, refused, unauthorized } from '../errors.ts';
import { UNPROVEN_MS } from '../limits.ts';
import type { Accept, Channel, Self } from '../ports.ts';
import { realTime } from '../proof/gate.ts';
import { prove } from '../proof/prove.ts';
import { isLoopback, resolve as resolveHost, withPort } from './addresses.ts';
import { TLS_HEADER } from './answers.ts';
import { countUnproven } from './budget.ts';
import { isOtherToken, tlsOptions } from './tls.ts';
import { WsChannel } from './ws-channel.ts';
import { wsOptions } from './ws-options.ts';

/** What listens there is reached with TLS only. */
class TlsRequired extends Error {}

/**
 * Connects and proves the token. `accept` is called before the promise resolves. TLS is used for every address but a loopback
 * one, and there where the listener asks for it.
 *
 * @throws MobulaError `ERR_MOBULA_CONNECTION`: nobody listens there, or not mobula, or there was no answer in 5 s;
 * `ERR_MOBULA_UNAUTHORIZED`: its token is another one; `ERR_MOBULA_VERSION`: it speaks another version.
 */
export async function connect(host: string, port: number, self: Self, accept: Accept): Promise<Channel> {
  const address = withPort(host, port);
  const ip = await resolveHost(host).catch((cause: unknown) => {
    throw cannotConnect(address, `no machine is known as ${host}`, cause);
  });
  if (!isLoopback(ip)) return open(ip, port, true, address, self, accept);
  try {
    return await open(ip, port, false, address, self, accept);
  } catch (error) {
    if (error instanceof TlsRequired) return open(ip, port, true, address, self, accept);
    throw error;
  }
}

function open(ip: string, port: number, tls: boolean, address: string, self: Self, accept: Accept): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const websocket = new WebSocket(`${tls ? 'wss' : 'ws'}://${withPort(ip, port)}/`, {
      ...wsOptions,
      // Masks keep scripts of web pages from fooling proxies. A mask of zeros costs neither side a pass over the bytes.
      generateMask: (mask) => void mask.fill(0),
      ...(tls ? tlsOptions(self.token) : {}),
    });
    let socket: Duplex | undefined;
    const fail = (error: MobulaError | TlsRequired): void => {
      cancel();
      reject(error);
      websocket.terminate();
    };
    const cancel = realTime(UNPROVEN_MS, () =>
      fail(cannotConnect(address, `there was no answer within ${UNPROVEN_MS / 1000} s`)),
    );
    const early = (error: NodeJS.ErrnoException): void => fail(explain(address, error));
    let stopCounting = (): void => {};
    websocket.on('error', early);
    websocket.on('unexpected-response', (_request, { headers, statusCode }) => {
      if (headers[TLS_HEADER] !== undefined && !tls) fail(new TlsRequired());
      else fail(cannotConnect(address, `what listens there is not mobula (it answers HTTP ${statusCode})`));
    });
    websocket.on('upgrade', (response) => {
      socket = response.socket;
      stopCounting = countUnproven(socket, 0);
    });
    websocket.on('open', () => {
      websocket.removeListener('error', early);
      const channel = new WsChannel(websocket, socket as Duplex, address);
      prove(channel, 'dialer', self, {
        proven: () => {
          cancel();
          stopCounting();
        },
        accept: (proven, peer) => {
          resolve(proven);
          return accept(proven, peer);
        },
        failed: (closed) => {
          cancel();
          reject(refused(address, closed));
        },
      });
    });
  });
}

function explain(address: string, error: NodeJS.ErrnoException): MobulaError {
  if (isMobulaError(error)) return error;
  if (isOtherToken(error)) return unauthorized(address);
  if (error.code === 'ECONNREFUSED') {
    return cannotConnect(address, 'nobody listens there. Check the address, and that the head is up', error);
  }
  if (/^(?:HPE_|WS_ERR_|EPROTO|ERR_SSL)/.test(error.code ?? '')) {
    return cannotConnect(address, `what listens there is not mobula (${error.message})`, error);
  }
  return cannotConnect(address, error.message, error);
}
