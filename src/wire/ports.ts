/**
 * What a node or a driver has of the head of its cluster. The agent builds against this file; `boot/` wires the two. Types of
 * requests and grants are those of the scheduler (`scheduler/ports.ts`).
 */
import type { ShardClient } from '../gcs/client/door.ts';
import type { Table } from '../gcs/client.ts';
import type { JobRow, NodeRow } from '../gcs/tables/members.ts';
import type { About, NodeId, Report, Request, TaskId } from '../scheduler/ports.ts';

/** A node's word about itself, without its name and number, which the link adds. Means are those since the last `report`. */
export type Load = Omit<Report, 'kind' | 'node' | 'no'>;

/** What this submitter wants, without its own name. `no` and `seen` are the submitter's to count: `scheduler/ports.ts`. */
export type Wanted = Omit<Request, 'kind' | 'from'>;

/** What the scheduler says to one submitter. Each may come twice; `no` rises, and after a broken link may leave some out. */
export type Granted =
  /** Up to `w` tasks of the line may be at `node`, sent and not answered. */
  | { readonly kind: 'grant'; readonly no: number; readonly line: number; readonly node: NodeId; readonly w: number }
  | {
      readonly kind: 'assign';
      readonly no: number;
      readonly task: TaskId;
      readonly node: NodeId;
      readonly must: boolean;
    }
  | { readonly kind: 'infeasible'; readonly about: About }
  | { readonly kind: 'node-died'; readonly about: About; readonly node: NodeId };

/** What a node says of itself as it enters the cluster. Its id is that of its connection. */
export type NodeFacts = Omit<NodeRow, 'nodeId' | 'alive' | 'cause' | 'begun'>;

/** What a driver says of its job. */
export interface JobFacts {
  /** The driver's number for it: the same number is the same job, however often it is registered. */
  readonly no: number;
  /** For people: the script. */
  readonly name: string;
  readonly namespace: string;
}

/** A small store of bytes for the parts of a program: keys up to 1 KiB, values up to 1 MiB less 4 KiB. */
export type Kv = Table<Uint8Array>;

/** What a node is told. Nothing is called after `ended`. */
export interface HeadListener {
  /** From the scheduler, in order. */
  granted(words: readonly Granted[]): void;
  /** The next request must be complete, and a report is due: the scheduler is new, or something may have been lost. `fresh`: it numbers its grants from 1 again. */
  askAll(fresh: boolean): void;
  /** The head has heard nothing of `node` for a second; later: has heard of it again. */
  suspected(node: NodeId, suspected: boolean): void;
  /** The head is away, or is there again. What is under way goes on. */
  connected(connected: boolean): void;
  /** The last report that the head has answered was sent at this time (`now()` of `common/timers.ts`): what a node fences itself by. */
  answered(sentAt: number): void;
  /**
   * The connection is over for good: a `NodeDiedError` where the head has declared this node dead, or the reason why no head
   * could be reached for `headTimeoutMs`.
   */
  ended(error: Error): void;
}

/** One process's connection to the head. It is made again whenever it breaks; what was asked is asked again then. */
export interface Head {
  /** The node table, by node id. Only the head writes it: here it is read and watched. */
  readonly nodes: Pick<Table<NodeRow>, 'get' | 'watch'>;
  /** The job table, by the job's number. Only the head writes it. */
  readonly jobs: Pick<Table<JobRow>, 'get' | 'watch'>;
  readonly kv: Kv;
  /** Operations on any table, many at a time: `gcs/shard/operations.ts`. */
  readonly shard: Pick<ShardClient, 'submit' | 'read' | 'watch'>;
  /**
   * Enters this process into the node table. Resolves when that is on the disk of the head, with the milliseconds after which this
   * node complains of one that it cannot reach. The link reports from then on, every 500 ms, what `report` was given last.
   *
   * @throws NodeDiedError: this node was declared dead.
   */
  registerNode(facts: NodeFacts): Promise<number>;
  /** A number for this driver's job: they rise. */
  registerJob(facts: JobFacts): Promise<number>;
  /** Resolves when the table says that the job has ended. */
  endJob(job: number): Promise<void>;
  /** What is true now. Sent at once, but not more often than every 50 ms, or every 2 ms if others wait for it (`soon`), and again every 500 ms. */
  report(load: Load, soon: boolean): void;
  /** What is wanted now. Dropped while the head is away: `askAll` comes when it is there again. */
  request(wanted: Wanted): void;
  /**
   * The process of another node has ended: its supervisor has seen it. `begun`: the attempts that it had begun, if they are known. Lost
   * while the head is away.
   */
  exited(node: NodeId, cause: string, begun: Uint8Array | undefined): void;
  /** This node cannot reach `node`, which lives. Said again on each connection, until `buried`. */
  complain(node: NodeId, why: string): void;
  /** The table says that `node` is dead: nothing is complained of it any more. */
  buried(node: NodeId): void;
  /** Leaves the cluster: the node's row says so at once. Then the connection ends. */
  bye(): Promise<void>;
  /** Ends the connection without a word: after the node timeout the node is dead. */
  close(): void;
}
