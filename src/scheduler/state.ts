import type { Env } from '../common/step.ts';
import { ResourceNames } from './amounts.ts';
import { FunctionMeans } from './means.ts';
import type { Line, NodeState, Submitter } from './model.ts';
import type { NodeId, SchedulerEffect } from './ports.ts';
import { Unmet } from './unmet.ts';

/** What a node is taken to receive at before it has said so: bytes per millisecond. */
const FIRST_BYTES_PER_MS = 500_000;

/** All that a scheduler knows. It is made of reports and requests alone: one round of them makes it complete. */
export interface SchedulerState {
  readonly names: ResourceNames;
  readonly means: FunctionMeans;
  readonly nodes: Map<NodeId, NodeState>;
  /** The same nodes; the order is of no meaning. */
  readonly list: NodeState[];
  /** Rises when a node comes, goes, or has another total or takes other tasks than before. */
  version: number;
  readonly submitters: Map<NodeId, Submitter>;
  readonly unmet: Unmet;
  /** Lines that want something and have nothing, those first that have waited longest; without the aged ones. */
  readonly hungry: Set<Line>;
  /** Lines of tasks that their nodes run too, and that others may have more of. */
  readonly offered: Set<Line>;
  /** Lines that no node can ever run, as nodes are now. */
  readonly unable: Set<Line>;
  /** The living, by the control store; null: not heard yet. */
  alive: ReadonlySet<NodeId> | null;
  /** Nodes that were alive and are not, the newest last. */
  readonly dead: Set<NodeId>;
  /** Members whose complete request is awaited before anything is granted (`start.ts`). */
  readonly awaited: Set<NodeId>;
  /** When it stops waiting for them. */
  startsAt: number;
  /** Whether anything is granted. */
  ready: boolean;
}

/** What one step works with. */
export interface Turn {
  readonly state: SchedulerState;
  readonly now: number;
  readonly env: Env;
  readonly effects: SchedulerEffect[];
}

export function newScheduler(): SchedulerState {
  return {
    names: new ResourceNames(),
    means: new FunctionMeans(),
    nodes: new Map(),
    list: [],
    version: 0,
    submitters: new Map(),
    unmet: new Unmet(),
    hungry: new Set(),
    offered: new Set(),
    unable: new Set(),
    alive: null,
    dead: new Set(),
    awaited: new Set(),
    startsAt: Number.POSITIVE_INFINITY,
    ready: false,
  };
}

/** The node of this id, known from now on. It can run nothing before it has reported and is a member. */
export function knownNode(state: SchedulerState, id: NodeId): NodeState {
  let node = state.nodes.get(id);
  if (node === undefined) {
    node = {
      id,
      no: -1,
      total: [],
      available: [],
      used: [],
      waitMs: 0,
      sentMs: 0,
      parallel: 1,
      meanMs: 0,
      bytesPerMs: FIRST_BYTES_PER_MS,
      onlyJob: null,
      draining: false,
      member: state.alive?.has(id) === true,
      contested: true,
      windows: [],
      turns: new Map(),
      here: 0,
      key: 0,
      free: 0,
      given: 0,
    };
    state.nodes.set(id, node);
    state.list.push(node);
  }
  return node;
}
