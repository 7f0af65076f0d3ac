/** What the agent's thread and the thread that has started it tell one another. */
import type { NodeFacts } from '../core/node-facts.ts';
import type { OutputLine } from './output-line.ts';

/** All that the agent's thread is told when it begins. */
export interface AgentConfig {
  readonly facts: NodeFacts;
  /** Of the head. */
  readonly address: string;
  readonly token: string;
  /** Set for a driver: what its job is called. */
  readonly job: { readonly name: string; readonly namespace: string } | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** The network interface that it listens at, and the host that others reach it at. */
  readonly bind: string;
  readonly advertise: string;
  /** The first and the last port that it may listen at; absent: the system chooses. */
  readonly ports?: readonly [first: number, last: number] | undefined;
  /** For how long the first connection to the head is tried; 0: once. */
  readonly firstTimeoutMs: number;
  /** For how long a head that went away is waited for. */
  readonly headTimeoutMs: number;
  readonly output: OutputLine;
}

export type FromAgent =
  /** The head has taken the node in. `job`: a driver's. */
  | { readonly kind: 'up'; readonly job: number }
  /** It cannot be; the thread ends. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** The cluster is lost for this node; the thread ends. */
  | { readonly kind: 'ended'; readonly code: string; readonly message: string };

export type ToAgent =
  /** Leave the cluster: nothing new is taken, and what runs here for others may end, for so long. */
  { readonly kind: 'leave'; readonly ms: number };
