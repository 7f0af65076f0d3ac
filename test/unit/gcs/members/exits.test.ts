import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { authority } from '../../../../src/gcs/members/authority.ts';
import type { AuthorityEffect, AuthorityEvent } from '../../../../src/gcs/members/ports.ts';
import { newAuthority } from '../../../../src/gcs/members/state.ts';
import type { NodeRow } from '../../../../src/gcs/tables/members.ts';

const row = (nodeId: string): NodeRow => ({
  nodeId,
  alive: true,
  driver: false,
  host: 'here',
  pid: 1,
  resources: {},
  labels: {},
  agent: '',
  data: '',
  cause: '',
});

function bench(nodes: readonly NodeRow[]) {
  const state = newAuthority({ nodeTimeoutMs: 5000, suspectMs: 1000, returnMs: 0 });
  const env = { now: 0, random: () => 0 };
  const give = (event: AuthorityEvent): readonly AuthorityEffect[] => authority(state, event, env);
  give({ kind: 'start', nodes, jobs: [] });
  const exited = (node: string, begun: string | undefined): readonly AuthorityEffect[] =>
    give({ kind: 'exited', node, cause: 'signal SIGKILL', begun });
  return { env, give, exited };
}

/** The rows that are written. */
const rows = (effects: readonly AuthorityEffect[]): NodeRow[] =>
  effects.flatMap((effect) =>
    effect.kind === 'write' ? effect.changes.flatMap((change) => (change.kind === 'node' ? [change.row] : [])) : [],
  );

describe('the report of an exit', () => {
  it('writes the row once, dead and with what had begun', () => {
    const { exited } = bench([row('a')]);
    const dead = { ...row('a'), alive: false, cause: 'signal SIGKILL', begun: 'QUJD' };
    assert.deepEqual(rows(exited('a', 'QUJD')), [dead]);
  });

  it('says nothing of what had begun where that is not known', () => {
    const { exited } = bench([row('a')]);
    assert.deepEqual(rows(exited('a', undefined)), [{ ...row('a'), alive: false, cause: 'signal SIGKILL' }]);
  });

  it('changes nothing of a node that is dead already, by silence or by an earlier report', () => {
    const { env, give, exited } = bench([row('a'), row('b')]);
    env.now = 6000;
    // The first tick after a stall counts none of it.
    for (let at = 0; at <= 6000; at += 100) {
      env.now = at;
      give({ kind: 'tick' });
    }
    for (const node of ['a', 'b', 'never there']) assert.deepEqual(exited(node, 'QUJD'), []);
  });

  it('closes the connection that the node still has', () => {
    const { give, exited } = bench([]);
    give({ kind: 'register', link: 3, row: row('a') });
    const [dead] = exited('a', '');
    assert.deepEqual(dead, { kind: 'dead', link: 3, cause: 'signal SIGKILL' });
    const again = give({ kind: 'report', link: 3, node: 'a', no: 1 });
    assert.deepEqual(again, [{ kind: 'dead', link: 3, cause: 'signal SIGKILL' }]);
  });

  it('keeps the newest sixteen lists, after a restart too', () => {
    const names = Array.from({ length: 20 }, (_, i) => `n${i}`);
    const { exited } = bench([...names.map(row), { ...row('old'), alive: false, cause: 'before', begun: 'QUJD' }]);
    const table = new Map<string, NodeRow>();
    for (const name of names) for (const each of rows(exited(name, 'QUJD'))) table.set(each.nodeId, each);
    assert.deepEqual(
      [...table.values()].filter(({ begun }) => begun !== undefined).map(({ nodeId }) => nodeId),
      names.slice(4),
    );
    assert.deepEqual(table.get('old'), { ...row('old'), alive: false, cause: 'before' });
    assert.ok([...table.values()].every(({ alive }) => !alive));
  });
});
