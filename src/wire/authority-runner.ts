import { Alarm } from '../common/alarm.ts';
import { now, setTimeout } from '../common/timers.ts';
import { ShardClient } from '../gcs/client/door.ts';
import { authority } from '../gcs/members/authority.ts';
import type { AuthorityEffect, AuthorityEvent, Change } from '../gcs/members/ports.ts';
import { type AuthoritySettings, type AuthorityState, newAuthority } from '../gcs/members/state.ts';
import { DropNode, Op, OpWriter, Result, readResults, Table } from '../gcs/shard/index.ts';
import { type JobRow, jobKey, jobRow, type NodeRow, nodeRow, rowBytes } from '../gcs/tables/members.ts';
import type { ShardRunner } from './shard-runner.ts';

/** The name under which the authority writes, whichever process it is in: one after the other, never two. */
export const AUTHORITY = 'ffffffffffffffff';

/** Of the effects, those that go to other processes. */
export type ToMembers = Exclude<AuthorityEffect, { kind: 'write' | 'wake' }>;

/** Runs the step of the authority, as a client of the shard in its process. */
export class AuthorityRunner {
  readonly #state: AuthorityState;
  readonly #client: ShardClient;
  readonly #say: (effect: ToMembers) => void;
  readonly #alarm = new Alarm(() => this.tell({ kind: 'tick' }));

  /** `failed`: the shard does not take its writes any more. */
  constructor(
    shard: ShardRunner,
    settings: AuthoritySettings,
    say: (effect: ToMembers) => void,
    failed: (error: Error) => void,
  ) {
    this.#state = newAuthority(settings);
    this.#say = say;
    this.#client = new ShardClient(AUTHORITY, (why) => failed(new Error(`the authority's session: ${why}`)));
    const link = shard.open({
      say: (effect) => this.#client.heard(effect),
      refuse: (why) => failed(new Error(`the shard refused the authority: ${why}`)),
    });
    this.#client.up(link, (event) => shard.tell(event));
  }

  /** Reads the tables, and begins. */
  async start(): Promise<void> {
    const [nodes, jobs] = await Promise.all([this.#all(Table.node, nodeRow), this.#all(Table.job, jobRow)]);
    this.tell({ kind: 'start', nodes: nodes as NodeRow[], jobs: jobs as JobRow[] });
  }

  tell(event: AuthorityEvent): void {
    for (const effect of authority(this.#state, event, { now: now(), random: Math.random })) this.#do(effect);
  }

  stop(): void {
    this.#alarm.stop();
    this.#client.close(new Error('the head stops'));
  }

  #all<Row>(table: number, read: (bytes: Buffer) => Row): Promise<Row[]> {
    return new Promise((resolve, reject) => {
      const end = this.#client.watch(
        table,
        Buffer.alloc(0),
        (_whole, changes) => {
          // The oldest first: the authority forgets those first.
          const inOrder = changes.toSorted((a, b) => a.seq - b.seq);
          resolve(inOrder.flatMap(({ value }) => (value === null ? [] : [read(value)])));
          // Not within the call that may have come before `watch` returned.
          setTimeout(() => end(), 0);
        },
        reject,
      );
    });
  }

  #do(effect: AuthorityEffect): void {
    if (effect.kind === 'write') this.#write(effect.id, effect.changes);
    else if (effect.kind === 'wake') {
      this.#alarm.at(effect.at);
    } else this.#say(effect);
  }

  #write(id: number, changes: readonly Change[]): void {
    const writer = new OpWriter();
    for (const change of changes) add(writer, change);
    this.#client.submit(writer.take()).then(
      ({ results }) => {
        const next = readResults(results).find(({ code }) => code === Result.next)?.number ?? null;
        this.tell({ kind: 'wrote', id, next });
      },
      () => {
        // The head stops.
      },
    );
  }
}

function add(writer: OpWriter, change: Change): void {
  switch (change.kind) {
    case 'node':
      writer.add(Op.put, Table.node, Buffer.from(change.row.nodeId, 'hex'), rowBytes(change.row));
      break;
    case 'job':
      writer.add(Op.put, Table.job, jobKey(change.row.job), rowBytes(change.row));
      break;
    case 'forget-node':
      writer.add(Op.delete, Table.node, Buffer.from(change.node, 'hex'));
      writer.add(Op.delete, Table.ended, Buffer.from(change.node, 'hex'));
      break;
    case 'forget-job':
      writer.add(Op.delete, Table.job, jobKey(change.job));
      writer.add(Op.delete, Table.ended, jobKey(change.job));
      break;
    case 'sweep-node':
      writer.add(Op.dropNode, Table.row, Buffer.from(change.node, 'hex'), slotAndFlags(change.from, DropNode.places));
      break;
    case 'sweep-job':
      writer.add(Op.dropJob, Table.row, jobKey(change.job), slotAndFlags(change.from, 0));
      break;
    case 'end-session':
      writer.add(Op.expireSession, Table.node, Buffer.from(change.node, 'hex'));
      break;
  }
}

/** The payload of a sweep. */
function slotAndFlags(from: number, flags: number): Buffer {
  const payload = Buffer.alloc(9);
  payload.writeDoubleLE(from);
  payload[8] = flags;
  return payload;
}
