/** `npm run bench -- --against COMMIT`: this build and that commit's by turns, and that commit against itself. */
import { programsOf } from './lib/build-of.mjs';
import { measure } from './lib/harness.mjs';
import { printChanges } from './lib/table.mjs';
import { compareTurns, isSlower, SLOWER } from './lib/turns.mjs';

const TURNS = 15;

/** The configs of a case that measure mobula: rivals do not change with a commit. */
function ownConfigs({ configs }) {
  return configs.filter(({ parameters: { system } = {} }) => system === undefined || system.startsWith('mobula'));
}

/** Measures cases on both builds; gives a row for each metric of each config. */
export async function runAgainst(cases, commit, { repeats = TURNS, onRun }) {
  const theirs = programsOf(commit);
  const rows = [];
  for (const benchCase of cases) {
    const own = ownConfigs(benchCase);
    if (own.length === 0) continue;
    const side = (name, programs) =>
      own.map((config) => ({ ...config, label: `${config.label} (${name})`, programs, repeats: undefined }));
    // A case's three sides run one after another in every turn: a slow minute of the machine meets them all.
    const configs = [side('new'), side('old', theirs), side('old again', theirs)].flat();
    const measures = await measure(configs, { repeats, onRun });
    const before = rows.length;
    for (const { label } of own) {
      for (const { key, name, better } of benchCase.metrics) {
        if (better !== 'high' && better !== 'low')
          throw new Error(`${benchCase.name}: ${key}: is a high value better?`);
        const [ours, old, again] = ['new', 'old', 'old again'].map((at) => measures.samples(`${label} (${at})`, key));
        const change = compareTurns(ours, old, better === 'high');
        const itself = compareTurns(again, old, better === 'high');
        const problems = ['new', 'old'].flatMap((at) => measures.problems(`${label} (${at})`));
        rows.push({ row: `${benchCase.name}: ${label}: ${name}`, change, itself, problems });
      }
    }
    printChanges(rows.slice(before));
  }
  const slower = rows.filter(({ change, itself }) => isSlower(change, itself));
  console.log(
    `\n${slower.length} of ${rows.length} rows are slower: the whole interval below ${SLOWER}, and not by noise`,
  );
  for (const { row, change } of slower) console.log(`  ${row}: ${change.ratio.toFixed(3)} ×`);
  return rows;
}
