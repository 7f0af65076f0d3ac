import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after, afterEach } from 'node:test';
import { type ActorHandle, get, init, kill, remote, shutdown } from 'mobula';
import { limit } from '../support/suite.ts';
import { until } from '../support/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'mobula-disposals-'));
after(() => rmSync(folder, { recursive: true }));
afterEach(() => shutdown({ timeoutMs: 1000 }));

class Mark {
  readonly #file: string;
  constructor(file: string) {
    this.#file = file;
  }
  ready(): boolean {
    return true;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    const { appendFileSync } = await import('node:fs');
    await new Promise((resolve) => setTimeout(resolve, 20));
    appendFileSync(this.#file, 'x');
  }
}
const times = (file: string): number => (existsSync(file) ? readFileSync(file, 'utf8').length : 0);

for (const isolation of ['shared', 'thread'] as const) {
  const Actor = remote(Mark).options({ isolation });
  const start = async (name: string): Promise<[ActorHandle<typeof Mark>, string]> => {
    const file = join(folder, `${isolation}-${name}`);
    const actor = Actor.remote(file) as ActorHandle<typeof Mark>;
    assert.equal(await get(actor.ready.remote()), true);
    return [actor, file];
  };

  // Servers of a killed actor went on listening.
  test(`a killed actor disposes of itself, once (${isolation})`, limit, async () => {
    await init({ numCpus: 1 });
    const [actor, file] = await start('killed');
    await kill(actor);
    await until(() => times(file) > 0);
    await shutdown();
    assert.equal(times(file), 1);
  });

  test(`shutdown waits until actors have disposed of themselves (${isolation})`, limit, async () => {
    await init({ numCpus: 1 });
    const [, file] = await start('shut');
    await shutdown();
    assert.equal(times(file), 1);
  });
}

class Bad {
  ready(): boolean {
    return true;
  }
  [Symbol.dispose](): void {
    throw new Error('of the disposal');
  }
}

test('a disposal that throws harms nothing else', limit, async () => {
  await init({ numCpus: 1 });
  const bad = remote(Bad).remote();
  await get(bad.ready.remote());
  await kill(bad);
  assert.equal(await get(remote(() => 1).remote()), 1);
  await shutdown();
});
