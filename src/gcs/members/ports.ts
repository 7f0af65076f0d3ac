/** What the authority for life and death is told and what it says. It is a client of its shard, and the only one that writes nodes and jobs. */
import type { Link } from '../shard/index.ts';
import type { JobRow, NodeRow } from '../tables/members.ts';

/** A NodeId: 16 hexadecimal digits. */
export type NodeId = string;

export type AuthorityEvent =
  /** It begins: what the tables say, and the highest number that a job has had. */
  | { readonly kind: 'start'; readonly nodes: readonly NodeRow[]; readonly jobs: readonly JobRow[] }
  | { readonly kind: 'register'; readonly link: Link; readonly row: NodeRow }
  | { readonly kind: 'report'; readonly link: Link; readonly node: NodeId; readonly no: number }
  /** The driver `node` has a job with its own number `no`. */
  | {
      readonly kind: 'job';
      readonly link: Link;
      readonly node: NodeId;
      readonly no: number;
      readonly name: string;
      readonly namespace: string;
    }
  | { readonly kind: 'end-job'; readonly link: Link; readonly node: NodeId; readonly job: number }
  | { readonly kind: 'bye'; readonly link: Link; readonly node: NodeId }
  /** The supervisor of `node` has seen its process end. `begun`: as in `NodeRow`. */
  | { readonly kind: 'exited'; readonly node: NodeId; readonly cause: string; readonly begun: string | undefined }
  /** `node` cannot reach the node `of`. It says so on each connection until that is dead. */
  | {
      readonly kind: 'complain';
      readonly link: Link;
      readonly node: NodeId;
      readonly of: NodeId;
      readonly why: string;
    }
  | { readonly kind: 'closed'; readonly link: Link; readonly node: NodeId }
  /** A write has its outcome; `next`: where its sweep goes on. */
  | { readonly kind: 'wrote'; readonly id: number; readonly next: number | null }
  | { readonly kind: 'tick' };

export type Change =
  | { readonly kind: 'node'; readonly row: NodeRow }
  | { readonly kind: 'job'; readonly row: JobRow }
  | { readonly kind: 'forget-node'; readonly node: NodeId }
  | { readonly kind: 'forget-job'; readonly job: number }
  /** Takes what ends with it out of the tables, from this slot on. */
  | { readonly kind: 'sweep-node'; readonly node: NodeId; readonly from: number }
  | { readonly kind: 'sweep-job'; readonly job: number; readonly from: number }
  | { readonly kind: 'end-session'; readonly node: NodeId };

export type AuthorityEffect =
  /** `wrote` follows when it is on the disk. */
  | { readonly kind: 'write'; readonly id: number; readonly changes: readonly Change[] }
  | { readonly kind: 'registered'; readonly link: Link }
  | { readonly kind: 'reported'; readonly link: Link; readonly no: number }
  | { readonly kind: 'job-is'; readonly link: Link; readonly no: number; readonly job: number }
  | { readonly kind: 'job-ended'; readonly link: Link; readonly job: number }
  | { readonly kind: 'bye-heard'; readonly link: Link }
  /** The node is dead: its connection ends. */
  | { readonly kind: 'dead'; readonly link: Link; readonly cause: string }
  /** Every node is told. */
  | { readonly kind: 'suspected'; readonly node: NodeId; readonly suspected: boolean }
  /** The node is there on a new connection: what was on its way to it may be lost. */
  | { readonly kind: 'again'; readonly node: NodeId }
  | { readonly kind: 'wake'; readonly at: number };
