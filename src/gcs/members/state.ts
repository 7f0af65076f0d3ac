import type { Link } from '../shard/index.ts';
import type { JobRow, NodeRow } from '../tables/members.ts';
import type { AuthorityEffect, NodeId } from './ports.ts';

export interface AuthoritySettings {
  /** After so long a silence a node is dead. */
  readonly nodeTimeoutMs: number;
  /** After so long a silence everybody is told that it may be. */
  readonly suspectMs: number;
  /** So long after a restart nobody is dead who was in the table. */
  readonly returnMs: number;
}

/** A node that lives, as far as is known. */
export interface Living {
  row: NodeRow;
  /** null: it is not connected. */
  link: Link | null;
  /** Before this time it is not missed. */
  readonly returnsBy: number;
  /** When it was last heard of, and how long the authority had stood still by then. */
  heardAt: number;
  stalledThen: number;
  suspected: boolean;
}

export interface Job {
  row: JobRow;
}

/** What is done when a write is on the disk. */
export type After = (next: number | null) => readonly AuthorityEffect[];

export interface AuthorityState {
  readonly settings: AuthoritySettings;
  readonly living: Map<NodeId, Living>;
  /** Nodes that are dead, with the cause: the newest so many. */
  readonly dead: Map<NodeId, string>;
  /** Of these, rows that say what had begun, the newest last. */
  readonly lists: NodeRow[];
  readonly jobs: Map<number, Job>;
  /** Jobs that have ended, the newest last. */
  readonly ended: Set<number>;
  lastJob: number;
  /** When the last tick was, or the start. */
  tickedAt: number;
  /** How long the authority has stood still in all: silence in that time is its own. */
  stalledMs: number;
  lastWrite: number;
  readonly writes: Map<number, After>;
}

export function newAuthority(settings: AuthoritySettings): AuthorityState {
  return {
    settings,
    living: new Map(),
    dead: new Map(),
    lists: [],
    jobs: new Map(),
    ended: new Set(),
    lastJob: 0,
    tickedAt: 0,
    stalledMs: 0,
    lastWrite: 0,
    writes: new Map(),
  };
}
