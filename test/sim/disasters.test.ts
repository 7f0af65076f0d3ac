import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Coverage, disasters } from './coverage.ts';
import { Disasters } from './disasters.ts';
import { plainProgram } from './program.ts';
import type { Host, Scenario } from './scenario.ts';
import { Trace } from './trace.ts';
import { World } from './world.ts';

const idle = plainProgram(
  () => null,
  () => [],
);
const host = (name: string, machine: string): Host => ({
  name,
  role: 'any',
  machine,
  program: idle,
  mortal: true,
  disk: true,
});

/** A world of two processes on one machine, and two machines more, for which all disasters are planned. */
function struck(seed: number): { world: World; nemesis: Disasters; coverage: Coverage } {
  const scenario: Scenario = {
    hosts: [host('head', 'one'), host('shard', 'one'), host('left', 'two'), host('right', 'three')],
    started: () => {},
    ended: () => {},
    told: () => {},
    check: () => {},
    waitsFor: () => undefined,
    finish: () => ({ checked: 0, notChecked: 0 }),
  };
  const coverage = new Coverage({});
  const protocol = { name: 'idle', messages: {}, bugs: [], scenario: () => scenario };
  const world = new World(protocol, seed, undefined, new Trace(false), coverage);
  const nemesis = new Disasters(world, coverage);
  nemesis.plan(disasters, 12, 4000);
  return { world, nemesis, coverage };
}

test('processes of one machine lose power together, and the links between them are never cut', () => {
  let together = 0;
  let cuts = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const { world } = struck(seed);
    const { links } = world.network;
    links.onCut = (from, to) => {
      cuts++;
      assert.ok(!(['head', 'shard'].includes(from) && ['head', 'shard'].includes(to)), `${from} ${to}`);
    };
    const { crash } = world;
    const powerCuts: string[] = [];
    world.crash = (name, how) => {
      if (how !== 'killed' && ['head', 'shard'].includes(name)) powerCuts.push(name);
      return crash.call(world, name, how);
    };
    world.runUntil(4000);
    assert.deepEqual(
      powerCuts.filter((name) => name === 'head').length,
      powerCuts.filter((name) => name === 'shard').length,
    );
    if (powerCuts.length > 0) together++;
  }
  assert.ok(together > 5 && cuts > 100, `${together} ${cuts}`);
});

test('once disasters have ended, every process runs, every link is whole, and no disk is full or slow', () => {
  const coverage = new Coverage({});
  for (let seed = 1; seed <= 60; seed++) {
    const { world, nemesis, coverage: ofSeed } = struck(seed);
    world.runUntil(4000);
    nemesis.end();
    world.runUntil(8000);
    const names = ['head', 'shard', 'left', 'right'];
    for (const name of names) {
      assert.ok(world.process(name) !== undefined, name);
      assert.equal(world.disk(name).full, false);
      assert.equal(world.disk(name).slow, 1);
      for (const other of names) assert.equal(world.network.links.isCut(name, other), false);
    }
    coverage.add(ofSeed);
  }
  assert.deepEqual(coverage.zeros(), []);
});
