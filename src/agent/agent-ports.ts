import type { DataPort } from './data/ports.ts';
import type { Register } from './imported.ts';
import type { Arrivals } from './output/arrivals.ts';
import type { OutboxPorts } from './output/outbox.ts';
import type { SendBody } from './peer.ts';
import type { NodeId, Wanted } from './ports.ts';

/** What an agent asks of what is around it. */
export interface AgentPorts {
  readonly register: Register;
  readonly send: SendBody;
  readonly output: OutboxPorts;
  readonly data: DataPort;
  /** Set for a driver. */
  readonly arrivals: Arrivals | undefined;
  request(wanted: Wanted): void;
  /** A peer broke the protocol: the session with it is to end. */
  misbehaved(node: NodeId, error: unknown): void;
}
