import { isIPv6 } from 'node:net';

/** Where something listens. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port` or `[IPv6]:port` in its parts; undefined for anything else. */
export function parseAddress(text: string): HostPort | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text);
  const [, ipv6, name, digits] = match ?? [];
  const host = ipv6 ?? name;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65_535 || (ipv6 !== undefined && !isIPv6(ipv6))) return undefined;
  return { host, port };
}

export function formatAddress({ host, port }: HostPort): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** Whether a host, by its name or IP address, is this machine as seen from itself. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || /^(?:::ffff:)?127\.|^::1$/.test(host);
}

/** Whether to listen there is to listen at all interfaces: no address to be reached at. */
export function isEveryInterface(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}
