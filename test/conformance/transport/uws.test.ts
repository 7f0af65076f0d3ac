import { test } from 'node:test';
import { listenAny } from '../../../src/transport/websocket/listen-any.ts';
import { findUws } from '../../../src/transport/websocket/uws.ts';
import type { Fabric } from './fabric.ts';
import { frameTests } from './frames.ts';
import { portTests } from './ports.ts';
import { proofTests } from './proof.ts';
import { sessionTests } from './sessions.ts';
import { socketsOf } from './sockets.ts';

const uws = findUws(import.meta.url);
if (uws === undefined) {
  test('uWebSockets.js', { skip: `no uWebSockets.js loads in Node ${process.version}` }, () => {});
} else {
  const fabric: Fabric = {
    ...socketsOf(false),
    // Its connections keep their port for a minute after their end.
    freesPort: false,
    listen: (self, accept, port = 0) => listenAny(uws, '127.0.0.1', port, self, accept),
  };
  frameTests('uWebSockets.js', () => fabric);
  proofTests('uWebSockets.js', () => fabric);
  sessionTests('uWebSockets.js', () => fabric);
  portTests('uWebSockets.js', () => fabric);
}
