// A client and its shard on links that break at any time, with a shard that is killed or loses its power or loses its power: each batch is carried out once, its owner is
// told once, what it reads is what it wrote, and watchers know what there is.
import assert from 'node:assert/strict';
import test from 'node:test';
import type { ClientEffect, ClientEvent, Heard, Told } from '../../../../src/gcs/client/ports.ts';
import { type ClientState, newClient } from '../../../../src/gcs/client/state.ts';
import { client } from '../../../../src/gcs/client/step.ts';
import { MemoryLog } from '../../../../src/gcs/log/memory.ts';
import {
  newShard,
  Op,
  OpWriter,
  Result,
  readResults,
  type ShardEvent,
  type ShardState,
  shard,
  Table,
} from '../../../../src/gcs/shard/index.ts';
import { Random } from '../../../support/random.ts';

const ID = '00000000000000c1';
/** More than a client may have unanswered. */
const KEYS = 40;
/** Odd keys have facts, which need not be on the disk to be told; even ones decisions. */
const isFact = (key: number): boolean => key % 2 === 1;
const keyOf = (n: number): Buffer => Buffer.from(`k${n}`);

class World {
  readonly random: Random;
  readonly log = new MemoryLog();
  readonly state: ClientState = newClient(ID);
  shard: ShardState;
  epoch = 1;
  now = 0;
  link: number | null = null;
  lastLink = 0;
  lastId = 0;
  wakes: number[] = [];
  /** On their way, in order, and the link that they are on. */
  toShard: { readonly link: number; readonly event: ShardEvent }[] = [];
  toClient: { readonly link: number; readonly said: Heard }[] = [];
  /** What the log was given, and was not said to be written or synced. */
  logged = 0;
  synced = 0;
  readonly outcomes = new Map<number, { readonly key: number; readonly value: number }>();
  /** The last value that the client was told it has written, by key; and of each read the least that it must show. */
  readonly told: number[] = new Array(KEYS).fill(0);
  readonly submitted: number[] = new Array(KEYS).fill(0);
  readonly reads = new Map<number, { readonly key: number; readonly least: number }>();
  mirror = new Map<string, string>();
  answers = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.shard = newShard([]);
    this.tellShard({ kind: 'start', epoch: 1, clean: true, reconnectMs: 1000 });
    this.step({ kind: 'watch', id: this.nextId(), table: Table.kv, prefix: Buffer.from('k') });
  }

  nextId(): number {
    this.lastId += 1;
    return this.lastId;
  }

  step(event: ClientEvent): void {
    for (const effect of client(this.state, event, { now: this.now, random: () => 0.5 })) this.do(effect);
  }

  do(effect: ClientEffect): void {
    switch (effect.kind) {
      case 'tell':
        if (this.link !== null) this.toShard.push({ link: this.link, event: effect.event satisfies Told });
        break;
      case 'outcome': {
        const found = this.outcomes.get(effect.id);
        assert.ok(found !== undefined, 'an outcome is told once');
        this.outcomes.delete(effect.id);
        const [result] = readResults(effect.results);
        if (!isFact(found.key)) assert.equal(result?.code, Result.written, 'nobody else writes: no compare fails');
        this.told[found.key] = found.value;
        this.versions[found.key] = result?.number ?? 0;
        break;
      }
      case 'values': {
        const asked = this.reads.get(effect.id);
        assert.ok(asked !== undefined, 'a read is answered once');
        this.reads.delete(effect.id);
        const [found] = effect.values;
        const value = Number(found?.value?.toString() ?? 0);
        assert.ok(value >= asked.least, `it read ${value}, and had written ${asked.least}`);
        this.answers += 1;
        break;
      }
      case 'changed':
        if (effect.whole) this.mirror = new Map();
        for (const { key, value } of effect.changes) {
          if (value === null) this.mirror.delete(key.toString());
          else this.mirror.set(key.toString(), value.toString());
        }
        break;
      case 'wake':
        this.wakes.push(effect.at);
        break;
      case 'over':
        assert.fail(effect.why);
    }
  }

  readonly versions: number[] = new Array(KEYS).fill(0);

  tellShard(event: ShardEvent): void {
    for (const effect of shard(this.shard, event, { now: this.now, random: () => 0.5 })) {
      if (effect.kind === 'append') {
        this.log.append(effect.firstSeq, effect.lastSeq, effect.bytes);
        this.logged = effect.lastSeq;
      } else if (effect.kind === 'refuse') assert.fail(effect.why);
      else if ('link' in effect) this.toClient.push({ link: effect.link, said: effect });
    }
  }

  connect(): void {
    this.disconnect();
    this.lastLink += 1;
    this.link = this.lastLink;
    this.step({ kind: 'up', link: this.link });
  }

  disconnect(): void {
    if (this.link === null) return;
    const link = this.link;
    this.link = null;
    // Some of what is on its way still arrives there.
    this.toShard = this.toShard.slice(0, this.random.below(this.toShard.length + 1));
    this.toClient = [];
    this.step({ kind: 'down', link });
    while (this.toShard.length > 0) this.deliver();
    this.tellShard({ kind: 'closed', link });
  }

  /** The process dies, and what was written is there; or the host loses its power, and what was synced is. */
  kill(): void {
    this.disconnect();
    if (this.random.below(2) === 0) this.log.cut(this.synced);
    this.epoch += 1;
    this.shard = newShard(this.log.read());
    // To open a log is to sync it.
    this.synced = this.shard.synced;
    this.logged = 0;
    this.tellShard({ kind: 'start', epoch: this.epoch, clean: true, reconnectMs: 1000 });
  }

  deliver(): void {
    const next = this.toShard.shift();
    if (next !== undefined) this.tellShard(next.event);
  }

  hear(): void {
    const next = this.toClient.shift();
    if (next !== undefined && next.link === this.link) this.step({ kind: 'heard', said: next.said });
  }

  /** One batch a key at a time: the next compares with the version that the last one got. */
  submit(key: number): void {
    if (this.submitted[key] !== this.told[key]) return;
    const value = (this.submitted[key] ?? 0) + 1;
    this.submitted[key] = value;
    const id = this.nextId();
    this.outcomes.set(id, { key, value });
    const op = isFact(key) ? Op.put : Op.cas;
    const ops = new OpWriter().add(op, Table.kv, keyOf(key), Buffer.from(String(value)), this.versions[key]).take();
    this.step({ kind: 'submit', id, ops });
  }

  /** A read sees what was submitted before it, told or not. */
  read(key: number): void {
    const id = this.nextId();
    this.reads.set(id, { key, least: this.submitted[key] ?? 0 });
    this.step({ kind: 'ask', id, table: Table.kv, keys: [keyOf(key)] });
  }

  logs(): void {
    if (this.logged === 0) return;
    const kind = this.random.below(3) > 0 ? 'written' : 'synced';
    if (kind === 'synced') this.synced = this.logged;
    this.tellShard({ kind, seq: this.logged });
  }

  turn(): void {
    this.now += this.random.below(3);
    const due = this.wakes.filter((at) => at <= this.now);
    this.wakes = this.wakes.filter((at) => at > this.now);
    if (due.length > 0) this.step({ kind: 'tick' });
    const choice = this.random.below(100);
    if (choice < 30) this.submit(this.random.below(KEYS));
    else if (choice < 38) this.read(this.random.below(KEYS));
    else if (choice < 60) this.deliver();
    else if (choice < 80) this.hear();
    else if (choice < 94) this.logs();
    else if (choice < 96) this.disconnect();
    else if (choice < 99) {
      if (this.link === null) this.connect();
    } else this.kill();
  }

  /** Lets everything end. */
  settle(): void {
    if (this.link === null) this.connect();
    for (let i = 0; i < 5_000 && (this.outcomes.size > 0 || this.reads.size > 0 || this.toClient.length > 0); i++) {
      this.now += 10;
      this.wakes = [];
      this.step({ kind: 'tick' });
      while (this.toShard.length > 0) this.deliver();
      this.synced = Math.max(this.synced, this.logged);
      if (this.logged > 0) this.tellShard({ kind: 'synced', seq: this.logged });
      while (this.toClient.length > 0) this.hear();
    }
  }
}

test('a client writes once, is told once, reads what it wrote, and its watchers know what there is', () => {
  let answers = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const world = new World(seed);
    for (let i = 0; i < 400; i++) world.turn();
    world.settle();
    assert.equal(world.outcomes.size, 0, `seed ${seed}: an outcome is missing`);
    assert.equal(world.reads.size, 0, `seed ${seed}: a read has no answer`);
    const there = [...world.mirror].map(([key, value]) => `${key}=${value}`).sort();
    const written = world.told.flatMap((value, key) => (value === 0 ? [] : [`k${key}=${value}`]));
    assert.deepEqual(there, written.sort(), `seed ${seed}`);
    assert.ok(world.state.batches.length <= 1, `seed ${seed}: ${world.state.batches.length} batches are kept`);
    answers += world.answers;
  }
  assert.ok(answers > 1_000, `${answers} reads were answered`);
});

test('a shard without the state that it has acknowledged is noticed', () => {
  const world = new World(1);
  world.connect();
  for (let i = 0; i < 3; i++) {
    world.submit(0);
    world.settle();
  }
  const told: string[] = [];
  world.do = (effect) => {
    if (effect.kind === 'over') told.push(effect.why);
    else if (effect.kind === 'tell' && world.link !== null)
      world.toShard.push({ link: world.link, event: effect.event });
  };
  world.disconnect();
  world.shard = newShard(null);
  world.tellShard({ kind: 'start', epoch: 2, clean: true, reconnectMs: 1000 });
  world.connect();
  for (let i = 0; i < 10; i++) {
    while (world.toShard.length > 0) world.deliver();
    while (world.toClient.length > 0) world.hear();
  }
  assert.deepEqual(told, ['state-lost']);
});

test('a client that goes on with the name of another one goes on with its numbers', () => {
  const world = new World(1);
  world.connect();
  world.submit(0);
  world.settle();
  const next = newClient(ID);
  const tell = (event: ClientEvent): Told[] =>
    client(next, event, { now: 0, random: () => 0 }).flatMap((effect) =>
      effect.kind === 'tell' ? [effect.event] : [],
    );
  tell({ kind: 'submit', id: 1, ops: Buffer.alloc(0) });
  tell({ kind: 'up', link: 9 });
  const told = tell({ kind: 'heard', said: { kind: 'welcome', link: 9, epoch: 0, lastBatch: 1 } });
  assert.deepEqual(
    told.map((event) => (event.kind === 'write' ? event.batchNo : event.kind)),
    [2, 'resent'],
  );
});
