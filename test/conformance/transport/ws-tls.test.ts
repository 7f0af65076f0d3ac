import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { listen } from '../../../src/transport/websocket/listen.ts';
import type { Fabric } from './fabric.ts';
import { frameTests } from './frames.ts';
import { proofTests } from './proof.ts';
import { sessionTests } from './sessions.ts';
import { socketsOf } from './sockets.ts';
import { tlsTests } from './tls.ts';

/** An address of this machine that is not a loopback one: there, everything goes through TLS. */
const outer = Object.values(networkInterfaces())
  .flat()
  .find((at) => at !== undefined && !at.internal && at.family === 'IPv4')?.address;

if (outer === undefined) {
  test('TLS off loopback', { skip: 'this machine has no address but loopback ones' }, () => {});
} else {
  const fabric: Fabric = { ...socketsOf(true), listen: (self, accept, port = 0) => listen(outer, port, self, accept) };
  frameTests('ws with TLS', () => fabric);
  proofTests('ws with TLS', () => fabric);
  sessionTests('ws with TLS', () => fabric);
  tlsTests(outer);
}
