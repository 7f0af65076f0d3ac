import type { AuthorityEffect, Change } from '../../../src/gcs/members/ports.ts';
import type { JobRow, NodeRow } from '../../../src/gcs/tables/members.ts';
import type { Bug } from './bugs.ts';
import type { Io } from './io.ts';
import type { Rows } from './messages.ts';

const FILE = 'tables';

/** The tables of nodes and jobs on the head's disk: a model of the control store. What is not on the disk nobody sees. */
export class Store {
  readonly nodes = new Map<string, NodeRow>();
  readonly jobs = new Map<number, JobRow>();
  /** The same with what is on its way to the disk. */
  readonly #nodes = new Map<string, NodeRow>();
  readonly #jobs = new Map<number, JobRow>();
  readonly #writes = new Map<number, readonly Change[]>();
  readonly #io: Io;
  readonly #bug: Bug | undefined;

  constructor(io: Io, files: ReadonlyMap<string, Uint8Array>, bug: Bug | undefined) {
    this.#io = io;
    this.#bug = bug;
    const bytes = files.get(FILE);
    if (bytes === undefined) return;
    const rows = JSON.parse(Buffer.from(bytes).toString()) as { nodes: NodeRow[]; jobs: JobRow[] };
    for (const row of rows.nodes) this.#nodes.set(row.nodeId, row);
    for (const row of rows.jobs) this.#jobs.set(row.job, row);
    for (const [id, row] of this.#nodes) this.nodes.set(id, row);
    for (const [job, row] of this.#jobs) this.jobs.set(job, row);
  }

  write({ id, changes: asked }: Extract<AuthorityEffect, { kind: 'write' }>): void {
    const forgets = this.#bug === 'jobs of a dead driver go on';
    const changes = asked.filter((change) => !(forgets && change.kind === 'job' && change.row.ended));
    this.#writes.set(id, changes);
    apply(changes, this.#nodes, this.#jobs);
    const rows = { nodes: [...this.#nodes.values()], jobs: [...this.#jobs.values()] };
    this.#io.do({ do: 'replace', file: FILE, bytes: Buffer.from(JSON.stringify(rows)), token: id });
  }

  /** A write is on the disk; gives what those hear who follow the tables. */
  wrote(id: number): Rows {
    const changes = this.#writes.get(id) ?? [];
    this.#writes.delete(id);
    apply(changes, this.nodes, this.jobs);
    const nodes = changes.flatMap((change) => (change.kind === 'node' ? [change.row] : []));
    const jobs = changes.flatMap((change) => (change.kind === 'job' ? [change.row] : []));
    return { type: 'ROWS', whole: false, nodes, jobs };
  }

  get all(): Rows {
    return { type: 'ROWS', whole: true, nodes: [...this.nodes.values()], jobs: [...this.jobs.values()] };
  }
}

/** So few nodes and jobs there are that none is ever forgotten. */
function apply(changes: readonly Change[], nodes: Map<string, NodeRow>, jobs: Map<number, JobRow>): void {
  for (const change of changes) {
    if (change.kind === 'node') nodes.set(change.row.nodeId, change.row);
    else if (change.kind === 'job') jobs.set(change.row.job, change.row);
  }
}
