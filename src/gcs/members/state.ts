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

/** Two living nodes cannot reach one another: one of them has said so. Both have it. */
export interface Complaint {
  readonly why: string;
  /** When the first word came, and how long the authority had stood still by then. */
  readonly since: number;
  readonly stalledThen: number;
}

/** What counts against a node when one of two must go. */
export interface Standing {
  /** By the other node, whichever of the two has complained. */
  readonly complaints: Map<NodeId, Complaint>;
  /** What counted against the node of its host that died of complaints before it came. */
  readonly inherited: number;
  /** How often the other one had to go. */
  outlived: number;
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
  readonly standing: Standing;
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
  /** By host, what counted against a node there that died of complaints, until another one comes. */
  readonly heirs: Map<string, number>;
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
    heirs: new Map(),
    jobs: new Map(),
    ended: new Set(),
    lastJob: 0,
    tickedAt: 0,
    stalledMs: 0,
    lastWrite: 0,
    writes: new Map(),
  };
}
