// Constants made out of imports, some after the script has changed what it imported.
import { randomUUID } from 'node:crypto';
import { may, must, type Program } from '../inside/program.ts';
import { config, options, raise, readsItself, registry, Settings, stamp, tools, version, withState } from './lib/config.ts';
import * as space from './lib/config.ts';

const before = version;
raise();
const after = version;
config.url = 'changed';
config.nested.level = 2;
config.list.unshift('new');
config.added = { deep: [1] };
registry.set('b', 2);
Settings.mode = 'fast';
withState.calls = 3;
tools.rate = () => 'replaced';
Object.assign(readsItself, { marked: 'from outside' });

const url = config.url;
const { nested } = config;
const {
  nested: { level },
  list: [first, ...others],
} = config;
const copy = { ...config, more: true };
const entry = registry.get('b');
const keys = [...registry.keys()];
const id = randomUUID();
const stamped = stamp();
const moment = Date.now();
const fromSpace = space.config.url;
const spaceVersion = space.version;
const frozen = Object.freeze({ ...options });
const joined = `${config.url}/${version}`;
const negated = !config.missing;
const sum = version + config.nested.level;
const chosen = version > 1 ? config.url : 'low';
const fallback = config.missing ?? 'fallback';
const parsed = JSON.parse(JSON.stringify(config));
const mapped = config.list.map((item: string) => item.length);
const alias = config;
const rate = tools.rate;
const now = performance.timeOrigin;
const home = process.env['MOBULA_BATTERY_REPORT'];
process.env['MOBULA_BATTERY_LATER'] = 'set';
const later = process.env['MOBULA_BATTERY_LATER'];
process.env['MOBULA_BATTERY_LATER'] = 'changed';
const random = Math.random();
const cwd = process.cwd();
const argv = process.argv.slice(0, 1);

export const programs: Program[] = [
  must('a property of an import that was changed', (call) => call(() => url)),
  must('a destructured object that was changed', (call) => call(() => nested)),
  must('a nested pattern', (call) => call(() => [level, first, others])),
  must('a spread of an import', (call) => call(() => copy)),
  must('a live binding read before it changed', (call) => call(() => before)),
  must('a live binding read after it changed', (call) => call(() => after)),
  must('a live binding read both times', (call) => call(() => [before, after])),
  must('a value out of an imported Map', (call) => call(() => [entry, keys])),
  must('a random id', (call) => call(() => id)),
  must('the value of an imported function', (call) => call(() => stamped)),
  must('a time', (call) => call(() => moment)),
  must('a property of a namespace', (call) => call(() => [fromSpace, spaceVersion])),
  must('a frozen copy', (call) => call(() => frozen)),
  must('a template', (call) => call(() => joined)),
  must('operators', (call) => call(() => [negated, sum, chosen, fallback])),
  must('a copy by JSON', (call) => call(() => parsed)),
  must('a mapped list', (call) => call(() => mapped)),
  may('another name for an import that was changed', (call) => call(() => alias)),
  may('an import that was changed', (call) => call(() => config)),
  may('an imported Map that was changed', (call) => call(() => [...registry])),
  may('a static field of an imported class that was changed', (call) => call(() => [Settings.mode, Settings.get()])),
  may('a property of an imported function that was changed', (call) => call(() => withState())),
  may('a property given to an imported function that only reads it', (call) => call(() => readsItself())),
  may('a function that was replaced in an imported object', (call) => call(() => tools.rate())),
  must('a constant that holds a function which was replaced', (call) => call(() => rate())),
  may('a property of a namespace that was changed', (call) => call(() => space.config.nested.level)),
  may('an exported let that was changed before', (call) => call(() => version)),
  must('a value of a global of the thread', (call) => call(() => now)),
  must('a value out of the environment', (call) => call(() => home)),
  must('a value out of the environment that changed', (call) => call(() => later)),
  must('Math.random', (call) => call(() => random)),
  must('the working directory', (call) => call(() => cwd)),
  must('a slice of argv', (call) => call(() => argv)),
  must('derived in a function', (call) => {
    const { list } = config;
    const [head] = list;
    const size = list.length;
    return call(() => [list, head, size]);
  }),
  must('derived from what was derived', (call) => {
    const both = [url, level];
    const text = both.join();
    return call(() => text);
  }),
];
