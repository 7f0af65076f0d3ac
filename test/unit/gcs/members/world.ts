import { authority } from '../../../../src/gcs/members/authority.ts';
import type { AuthorityEffect, AuthorityEvent } from '../../../../src/gcs/members/ports.ts';
import { newAuthority } from '../../../../src/gcs/members/state.ts';
import type { NodeRow } from '../../../../src/gcs/tables/members.ts';

/** A node of a host of its own. */
export const row = (nodeId: string, more: Partial<NodeRow> = {}): NodeRow => ({
  nodeId,
  alive: true,
  cause: '',
  driver: false,
  host: `host of ${nodeId}`,
  pid: 1,
  resources: {},
  labels: {},
  agent: '',
  data: '',
  ...more,
});

/** An authority whose writes are on the disk at once, or when `land` is called. */
export class World {
  readonly state = newAuthority({ nodeTimeoutMs: 5_000, suspectMs: 1_000, returnMs: 60_000 });
  readonly said: AuthorityEffect[] = [];
  now = 0;
  held = false;
  #writes: number[] = [];

  constructor(nodes: readonly NodeRow[] = []) {
    this.tell({ kind: 'start', nodes, jobs: [] });
  }

  tell(event: AuthorityEvent): void {
    for (const effect of authority(this.state, event, { now: this.now, random: () => 0 })) {
      this.said.push(effect);
      if (effect.kind === 'write') this.#writes.push(effect.id);
    }
    if (!this.held) this.land();
  }

  land(): void {
    for (const id of this.#writes.splice(0)) this.tell({ kind: 'wrote', id, next: null });
  }

  /** Time passes; ticks come when they should, and `alive` report at each. */
  pass(ms: number, alive: readonly string[] = []): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 100;
      for (const node of alive) this.tell({ kind: 'report', link: 1, node, no: this.now });
      this.tell({ kind: 'tick' });
    }
  }

  /** The authority stands still: a tick comes late, and what was sent meanwhile is read after it. */
  stall(ms: number, alive: readonly string[] = []): void {
    this.now += ms;
    this.tell({ kind: 'tick' });
    for (const node of alive) this.tell({ kind: 'report', link: 1, node, no: this.now });
  }

  take(kind: AuthorityEffect['kind']): AuthorityEffect[] {
    const found = this.said.filter((effect) => effect.kind === kind);
    this.said.length = 0;
    return found;
  }

  /** Nodes come, each on a connection of its own. */
  join(...rows: readonly NodeRow[]): void {
    for (const one of rows) this.tell({ kind: 'register', link: this.#lastLink++, row: one });
  }
  #lastLink = 1;

  complain(node: string, of: string): void {
    this.tell({ kind: 'complain', link: 1, node, of, why: 'silence' });
  }

  /** Why nodes are dead. */
  get dead(): Record<string, string> {
    return Object.fromEntries(this.state.dead);
  }

  isDead(node: string): boolean {
    return this.state.dead.has(node);
  }
}
