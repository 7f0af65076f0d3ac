// Each node has its own copy of an application's files: a function runs where they are the program's, and nowhere else.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { application } from './application.ts';
import { freePort, User } from './commands.ts';

const run = promisify(execFile);

/** What came of a function: its value, or its error. */
interface Refused {
  readonly name: string;
  readonly code: string;
  readonly message: string;
}
type Outcome = unknown | Refused;
type Seen = Readonly<Record<string, Readonly<Record<string, Outcome>>>>;

/** A head, and a node for each root, which has a resource of that name. */
class Cluster {
  readonly address: string;
  readonly #user: User;
  readonly #token: string;

  private constructor(user: User, address: string, token: string) {
    this.#user = user;
    this.address = address;
    this.#token = token;
  }

  static async start(t: TestContext, roots: Readonly<Record<string, string>>): Promise<Cluster> {
    const [user, port, token] = [new User(t), await freePort(), 'a-token-of-this-test-alone-0123456789'];
    const cluster = new Cluster(user, `127.0.0.1:${port}`, token);
    await cluster.#begin(t, ['--head', '--port', `${port}`, '--num-cpus', '0']);
    await Promise.all(Object.entries(roots).map(([name, root]) => cluster.node(t, name, root)));
    return cluster;
  }

  async node(t: TestContext, name: string, root: string): Promise<void> {
    const resources = JSON.stringify({ [name]: 1 });
    const flags = ['--address', this.address, '--num-cpus', '1', '--root', root, '--resources', resources];
    await this.#begin(t, flags);
  }

  async #begin(t: TestContext, flags: readonly string[]): Promise<void> {
    const started = this.#user.start(t, ['start', ...flags, '--json'], { MOBULA_AUTH_TOKEN: this.#token });
    assert.match(await started.line(), /^\{/);
  }

  /** Runs the program of `root` where the resources `places` are. */
  async program(root: string, places: readonly string[]): Promise<Seen> {
    const env = { ...process.env, MOBULA_AUTH_TOKEN: this.#token };
    const { stdout } = await run(process.execPath, ['main.js', this.address, ...places], { cwd: root, env });
    return JSON.parse(stdout) as Seen;
  }
}

function refused(outcome: Outcome, ...parts: readonly string[]): void {
  const { name, code, message } = outcome as Refused;
  assert.deepEqual([name, code], ['MobulaError', 'ERR_MOBULA_FILES'], JSON.stringify(outcome));
  for (const part of parts) assert.ok(message.includes(part), `${part} is not in: ${message}`);
}

const digits = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);
const right = { factors: [14, 21], double: 14, direct: 71, guess: 6, packed: 107, later: 12, nested: 71, stayed: true };
const direct = "import { deep } from './deep.js';\nexport const direct = (x) => deep(x) + 1;\n";
const otherDirect = "import { deep } from './deep.js';\nexport const direct = (x) => deep(x) + 2;\n";
const deep = 'export const deep = (x) => x * 10;\n';

describe('imported files', () => {
  it('are found under the root of each node, and refused where they are not those of the program', async (t) => {
    const otherDeep = 'export const deep = (x) => x * 11;\n';
    const roots = {
      same: application(t),
      changed: application(t, { 'lib/direct.js': otherDirect }),
      behind: application(t, { 'lib/deep.js': otherDeep }),
      missing: application(t, { 'lib/direct.js': undefined, 'lib/later.js': undefined }),
      version: application(t, {
        'node_modules/pack/package.json':
          '{ "name": "pack", "version": "1.0.1", "type": "module", "main": "index.js" }',
      }),
      chosen: application(t, { 'legacy/choice.js': 'exports.choice = (x) => x - 2;\n' }),
      later: application(t, { 'lib/later.js': 'export const later = (x) => x + 6;\n' }),
    };
    const own = application(t);
    const cluster = await Cluster.start(t, roots);
    const seen = await cluster.program(own, Object.keys(roots));
    const rest = (place: string, ...without: readonly string[]): void => {
      const { where, ...outcomes } = seen[place] ?? {};
      const root = roots[place as keyof typeof roots];
      assert.deepEqual(where, [`file://${root}/main.js`, root]);
      for (const [name, value] of Object.entries(right)) {
        if (!without.includes(name)) assert.deepEqual(outcomes[name], value, `${place}: ${name}`);
      }
    };
    rest('same');

    for (const name of ['direct', 'nested']) {
      refused(seen['changed']?.[name], `${roots.changed}/lib/direct.js`, digits(direct), digits(otherDirect));
      refused(seen['behind']?.[name], `${roots.behind}/lib/deep.js`, digits(deep), digits(otherDeep));
      refused(seen['missing']?.[name], `${roots.missing}/lib/direct.js is missing`, digits(direct));
    }
    rest('changed', 'direct', 'nested');
    rest('behind', 'direct', 'nested');
    // What only an import() of the function loads may be missing until then.
    const late = JSON.stringify(seen['missing']?.['later']);
    assert.match(late, /"name":"TaskError".*Cannot find module '.*later\.js'/);
    rest('missing', 'direct', 'nested', 'later');

    refused(
      seen['version']?.['packed'],
      "'pack' in version 1.0.1",
      'version 1.0.0',
      `${roots.version}/node_modules/pack`,
    );
    rest('version', 'packed');
    refused(seen['chosen']?.['guess'], "'./choice'", `${roots.chosen}/legacy/choice.js`, 'legacy/choice/index.js');
    rest('chosen', 'guess');
    refused(seen['later']?.['later'], `${roots.later}/lib/later.js`);
    rest('later', 'later');
  });

  it('of two programs at once, in two versions: each gets its own or an error', async (t) => {
    const roots = { old: application(t), fresh: application(t, { 'lib/direct.js': otherDirect }) };
    const cluster = await Cluster.start(t, roots);
    const places = Object.keys(roots);
    const programs = [application(t), application(t, { 'lib/direct.js': otherDirect })];
    const [old, fresh] = await Promise.all(programs.map((root) => cluster.program(root, places)));
    assert.equal(old?.['old']?.['direct'], 71);
    refused(old?.['fresh']?.['direct'], digits(direct), digits(otherDirect));
    assert.equal(fresh?.['fresh']?.['direct'], 72);
    refused(fresh?.['old']?.['direct'], digits(direct), digits(otherDirect));
    // A node whose files were brought up to date takes the next program.
    await cluster.node(t, 'third', programs[1] as string);
    assert.equal((await cluster.program(programs[1] as string, ['third']))['third']?.['direct'], 72);
  });
});
