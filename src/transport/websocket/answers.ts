import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** The header by which a listener tells a process of mobula that it must use TLS. */
export const TLS_HEADER = 'x-mobula-tls';

const lines: Readonly<Record<number, readonly [reason: string, text: string]>> = {
  400: ['Bad Request', 'This is not a request that this port understands.'],
  403: ['Forbidden', 'Browsers may not connect to this port.'],
  426: ['Upgrade Required', 'This port speaks the protocol of mobula. Connect with: mobula start --address HOST:PORT'],
};

/** Answers what is no process of mobula in one line of HTTP, and closes. */
export function answer(socket: Duplex, status: 400 | 403 | 426, header = ''): void {
  const [reason, text] = lines[status] as readonly [string, string];
  const body = `${text}\n`;
  const head = `HTTP/1.1 ${status} ${reason}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n`;
  socket.end(`${head}${header}Connection: close\r\n\r\n${body}`, () => socket.destroy());
}

/** The bytes of a request that has been read. */
export function bytesOf({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  return rawHeaders.reduce((sum, part) => sum + part.length + 2, method.length + url.length + 14);
}
