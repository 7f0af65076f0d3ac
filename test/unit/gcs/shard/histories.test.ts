import assert from 'node:assert/strict';
import test from 'node:test';
import { MemoryLog } from '../../../../src/gcs/log/memory.ts';
import {
  type Link,
  newShard,
  Op,
  OpWriter,
  readResults,
  type ShardEffect,
  type ShardEvent,
  type ShardState,
  shard,
  Table,
} from '../../../../src/gcs/shard/index.ts';
import { Random } from '../../../support/random.ts';
import { Client } from './client.ts';
import { Oracle } from './oracle.ts';

const SEEDS = 120;
const STEPS = 600;
const SIZES = { mostBytes: 2 ** 30, ringBytes: 4_000 };

/** A shard that crashes, its log, and clients on links that break and say things twice. */
class World {
  readonly random: Random;
  readonly clients: Client[];
  log = new MemoryLog();
  state: ShardState = newShard([], SIZES);
  now = 0;
  #epoch = 0;
  #links = 0;
  /** Messages under way, by link and direction, in order. */
  readonly #channels = new Map<string, (() => void)[]>();
  /** What the log was given, and how far it says it is. */
  #appended = 0;
  #written = 0;
  #synced = 0;
  crashes = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.clients = Array.from({ length: 3 }, (_, i) => new Client(`00000000000000a${i}`));
    this.#start(true);
    for (const client of this.clients) {
      const node = new OpWriter().add(Op.put, Table.node, Buffer.from(client.id, 'hex'), Buffer.from('row'));
      this.#say(client, client.submit(node.take(), true));
    }
  }

  submit(): void {
    const client = this.clients[this.random.below(this.clients.length)] as Client;
    const writer = new OpWriter();
    const kinds = [Op.put, Op.put, Op.add, Op.delete, Op.cas, Op.casDelete];
    const decides = this.random.below(2) === 0;
    for (let i = 1 + this.random.below(4); i > 0; i--) {
      const op = kinds[this.random.below(decides ? 6 : 4)] ?? Op.put;
      const key = Buffer.from(`k${this.random.below(6)}`);
      const slot = this.state.core.tables.get(Table.kv)?.find(key, 0, key.length) ?? -1;
      const seq = slot < 0 ? 0 : (this.state.core.tables.get(Table.kv)?.seq(slot) ?? 0);
      const value = Buffer.alloc(this.random.below(40), `${this.random.below(1e6)} `);
      const isDelete = op === Op.delete || op === Op.casDelete;
      writer.add(op, Table.kv, key, isDelete ? Buffer.alloc(0) : value, this.random.below(3) === 0 ? 0 : seq);
    }
    // A decision is one by its operations: a name beside it makes sure.
    if (decides) writer.add(Op.put, Table.name, Buffer.from(`n${this.random.below(3)}`), Buffer.from('actor'));
    this.#say(client, client.submit(writer.take(), decides));
  }

  deliver(): void {
    const full = [...this.#channels.values()].filter((messages) => messages.length > 0);
    full[this.random.below(full.length)]?.shift()?.();
  }

  logMoves(): void {
    if (this.random.below(2) === 0) {
      this.#written += Math.ceil((this.#appended - this.#written) * this.random.next());
      this.step({ kind: 'written', seq: this.#written });
    } else {
      this.#synced += Math.ceil((this.#written - this.#synced) * this.random.next());
      this.step({ kind: 'synced', seq: this.#synced });
    }
  }

  breakLink(): void {
    const client = this.clients[this.random.below(this.clients.length)] as Client;
    this.step({ kind: 'closed', link: client.link });
    this.#connect(client);
  }

  /** The process dies; with `power`, its host does: then only what was on the disk is sure to be there. */
  crash(power: boolean): void {
    this.crashes += 1;
    const sure = power ? this.#synced : this.#written;
    this.log.cut(sure + Math.floor((this.#appended - sure) * this.random.next()));
    if (power) for (const client of this.clients) client.lostPower();
    this.#channels.clear();
    this.#start(false);
  }

  step(event: ShardEvent): void {
    const effects = shard(this.state, event, { now: this.now, random: () => this.random.next() });
    for (const effect of effects) {
      if (effect.kind === 'append') {
        this.log.append(effect.firstSeq, effect.lastSeq, effect.bytes);
        this.#appended = effect.lastSeq;
      } else if ('link' in effect) this.#tell(effect);
    }
  }

  /** Everything comes to rest: every batch is done, and on the disk. */
  settle(): void {
    for (let round = 0; round < 200; round++) {
      this.now += 1_000;
      for (const client of this.clients) this.#say(client, client.again());
      while ([...this.#channels.values()].some((messages) => messages.length > 0)) this.deliver();
      this.#synced = this.#appended;
      this.#written = this.#appended;
      this.step({ kind: 'synced', seq: this.#synced });
      if (this.clients.every(({ batches }) => batches.every(({ done }) => done !== null))) break;
    }
    while ([...this.#channels.values()].some((messages) => messages.length > 0)) this.deliver();
  }

  #start(clean: boolean): void {
    this.state = newShard(this.log.read(), SIZES);
    this.#appended = this.state.core.applied;
    this.#written = this.#appended;
    this.#synced = this.#appended;
    this.#epoch += 1;
    this.step({ kind: 'start', epoch: this.#epoch, clean, reconnectMs: 60_000 });
    for (const client of this.clients) this.#connect(client);
  }

  #connect(client: Client): void {
    for (const way of ['>', '<']) this.#channels.delete(`${client.link}${way}`);
    this.#links += 1;
    this.#say(client, client.connect(this.#links, this.#epoch));
  }

  #say(client: Client, events: readonly ShardEvent[]): void {
    for (const event of events) this.#send(`${client.link}>`, () => this.step(event));
  }

  #tell(effect: Extract<ShardEffect, { link: Link }>): void {
    const client = this.clients.find(({ link }) => link === effect.link);
    if (client !== undefined) this.#send(`${effect.link}<`, () => this.#say(client, client.on(effect)));
  }

  #send(channel: string, deliver: () => void): void {
    const messages = this.#channels.get(channel) ?? [];
    this.#channels.set(channel, messages);
    messages.push(deliver);
    if (this.random.below(5) === 0) messages.push(deliver);
  }
}

function run(seed: number): World {
  const world = new World(seed);
  for (let i = 0; i < STEPS; i++) {
    const kind = world.random.below(200);
    world.now += 1;
    if (kind < 50) world.submit();
    else if (kind < 150) world.deliver();
    else if (kind < 190) world.logMoves();
    else if (kind < 195) world.breakLink();
    else if (kind < 197) world.crash(world.random.below(2) === 0);
    else for (const client of world.clients) for (const event of client.again()) world.step(event);
  }
  world.settle();
  return world;
}

/** What the tables have, as the oracle would say it. */
function recordsOf(state: ShardState): Map<string, { value: string; seq: number }> {
  const records = new Map<string, { value: string; seq: number }>();
  for (const number of [Table.node, Table.name, Table.kv]) {
    const table = state.core.tables.get(number);
    for (let slot = 0; slot < (table?.slots ?? 0); slot++) {
      if (table?.has(slot) !== true) continue;
      const value = table.value(slot).toString('latin1');
      records.set(`${number} ${table.key(slot).toString('latin1')}`, { value, seq: table.seq(slot) });
    }
  }
  return records;
}

function sorted<Value>(map: ReadonlyMap<string, Value>): [string, Value][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** What clients were told is what one would get that carries batches out one after the other. */
function checkOutcomes({ clients, state }: World): void {
  const batches = clients.flatMap(({ id, batches: own }) =>
    own.map(({ ops, done }, i) => {
      assert.ok(done !== null, `batch ${i + 1} of ${id} was never done`);
      assert.ok(i === 0 || (own[i - 1]?.done?.firstSeq ?? 0) < done.firstSeq, 'a client has its batches in order');
      return { ops, ...done };
    }),
  );
  batches.sort((a, b) => a.firstSeq - b.firstSeq);
  const oracle = new Oracle();
  for (const { firstSeq, ops, results } of batches) assert.deepEqual(readResults(results), oracle.run(firstSeq, ops));
  assert.deepEqual(sorted(recordsOf(state)), sorted(oracle.records));
}

/** What the log has is what there is. */
function checkLog({ log, state }: World): void {
  const recovered = newShard(log.read());
  assert.equal(recovered.core.tables.digest, state.core.tables.digest);
  assert.equal(recovered.core.applied, state.core.applied);
}

/** What subscribers know is what there is. */
function checkMirrors({ clients, state }: World): void {
  const there = [...recordsOf(state)].filter(([key]) => key.startsWith('6 k'));
  for (const { mirror, id } of clients) {
    const known = new Map<string, string>();
    for (const [key, { value }] of mirror) if (value !== null) known.set(`6 ${key}`, value.toString('latin1'));
    assert.deepEqual(sorted(known), sorted(new Map(there.map(([key, { value }]) => [key, value]))), `what ${id} knows`);
  }
}

test('whatever crashes, each batch is carried out once, and its outcome is what it was said to be', () => {
  let crashes = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      const world = run(seed);
      crashes += world.crashes;
      checkOutcomes(world);
      checkLog(world);
      checkMirrors(world);
    } catch (error) {
      throw new Error(`seed ${seed}: ${error}`, { cause: error });
    }
  }
  assert.ok(crashes > SEEDS, `${crashes} crashes`);
});
