import { createRequire } from 'node:module';

/** What is used of a socket of uWebSockets.js. */
export interface UwsSocket {
  /** 1: sent; 0: kept until the peer reads; 2: dropped. */
  send(message: Uint8Array, isBinary: boolean): number;
  getBufferedAmount(): number;
  getRemoteAddressAsText(): ArrayBuffer;
  /** Sends a closing frame. The close handler runs before it returns. */
  end(code: number, message: string): void;
  /** Ends the connection at once. */
  close(): void;
}

interface UwsResponse {
  writeStatus(status: string): UwsResponse;
  end(body: string, closeConnection?: boolean): void;
  upgrade(userData: object, key: string, protocol: string, extensions: string, context: unknown): void;
}

interface UwsRequest {
  getHeader(name: string): string;
}

export interface UwsBehavior {
  readonly compression: number;
  readonly maxPayloadLength: number;
  readonly maxBackpressure: number;
  readonly closeOnBackpressureLimit: boolean;
  /** Seconds; 0: never. */
  readonly idleTimeout: number;
  readonly sendPingsAutomatically: boolean;
  upgrade(response: UwsResponse, request: UwsRequest, context: unknown): void;
  open(socket: UwsSocket): void;
  /** The message is void when this returns. */
  message(socket: UwsSocket, message: ArrayBuffer, isBinary: boolean): void;
  drain(socket: UwsSocket): void;
  close(socket: UwsSocket, code: number, message: ArrayBuffer): void;
}

export interface UwsApp {
  ws(pattern: string, behavior: UwsBehavior): UwsApp;
  any(pattern: string, handler: (response: UwsResponse) => void): UwsApp;
  listen(host: string, port: number, callback: (socket: unknown) => void): UwsApp;
  close(): void;
}

/** What is used of the package. */
export interface Uws {
  App(): UwsApp;
  us_socket_local_port(socket: unknown): number;
  us_listen_socket_close(socket: unknown): void;
}

/** The names under which npm and GitHub have it. */
const names = ['uWebSockets.js', '@btc-vision/uwebsockets.js', '@trufflesuite/uws-js-unofficial'];

/** uWebSockets.js, if the application that `from` belongs to has it and this Node can load it. */
export function findUws(from: string): Uws | undefined {
  const require = createRequire(from);
  for (const name of names) {
    try {
      const found = require(name) as Partial<Uws> & { readonly LIBUS_LISTEN_EXCLUSIVE_PORT?: number };
      // Where one of them has no binary for this Node it gives an imitation, and that lacks most names.
      if (found.us_socket_local_port !== undefined && found.LIBUS_LISTEN_EXCLUSIVE_PORT !== undefined) {
        return found as Uws;
      }
    } catch {
      // Not there, or not for this Node.
    }
  }
  return undefined;
}
