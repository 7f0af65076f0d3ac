import { listen } from '../../../src/transport/websocket/listen.ts';
import type { Fabric } from './fabric.ts';
import { frameTests } from './frames.ts';
import { portTests } from './ports.ts';
import { proofTests } from './proof.ts';
import { sessionTests } from './sessions.ts';
import { socketsOf } from './sockets.ts';

const fabric: Fabric = {
  ...socketsOf(false),
  listen: (self, accept, port = 0) => listen('127.0.0.1', port, self, accept),
};

frameTests('ws', () => fabric);
proofTests('ws', () => fabric);
sessionTests('ws', () => fabric);
portTests('ws', () => fabric);
