import { lookup } from 'node:dns/promises';
import { isIPv6 } from 'node:net';

/** Whether an IP address is this machine's own. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127\.|^::1$/.test(address);
}

/** The first IP address of a host. */
export async function resolve(host: string): Promise<string> {
  return (await lookup(host)).address;
}

export function withPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}
