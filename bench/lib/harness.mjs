/** Runs the measurements of a case: every one in a fresh process, systems taking turns (A B C, A B C, …). */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Measures } from './measures.mjs';

const TIMEOUT_MS = 120_000;
/** A child that has reported but does not end is killed after this long. */
const EXIT_MS = 10_000;

/**
 * Runs every config of a case `repeats` times and collects what the children report.
 * A config is `{ label, program, parameters, flags?, repeats?, programs? }`; `programs`: the folder, where it is not this tree's.
 */
export async function measure(configs, { repeats, onRun }) {
  const measures = new Measures(configs);
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const config of configs) {
      if (repeat >= (config.repeats ?? repeats)) continue;
      onRun?.(config, repeat);
      const { result, problem } = await runChild(config);
      if (result !== undefined) measures.add(config.label, result);
      if (problem !== undefined) measures.addProblem(config.label, problem);
    }
  }
  return measures;
}

/** Runs one program once. It reports by one line of JSON; a bad end is a problem even after a good report. */
const PROGRAMS = fileURLToPath(new URL('../programs/', import.meta.url));

function runChild({ program, parameters = {}, flags = [], timeoutMs = TIMEOUT_MS, programs = PROGRAMS }) {
  const file = `${programs}${program}.mjs`;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...flags, file, JSON.stringify(parameters)], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    let killed;
    const kill = (why) => {
      killed = why;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(() => kill(`no result after ${timeoutMs / 1000} s`), timeoutMs);
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors = (errors + text).slice(-4000);
    });
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      if (findResult(output) === undefined) return;
      clearTimeout(timer);
      timer = setTimeout(() => kill(`still alive ${EXIT_MS / 1000} s after its result`), EXIT_MS);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const result = findResult(output);
      const ended = killed ?? (code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}: ${lastWords(errors)}`);
      resolve({ result, problem: ended ?? (result === undefined ? 'ended without a result' : undefined) });
    });
  });
}

/** The last complete line that is a JSON object. */
function findResult(output) {
  const lines = output.slice(0, output.lastIndexOf('\n') + 1).split('\n');
  const line = lines.findLast((text) => text.startsWith('{') && text.endsWith('}'));
  try {
    return line === undefined ? undefined : JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** The line of a stack trace that says what went wrong. */
function lastWords(errors) {
  const lines = errors.split('\n').filter((line) => line.trim() !== '');
  return (lines.find((line) => /^\s*(\w*Error|panicked|thread .* panicked)\b/.test(line)) ?? lines.at(-1) ?? '').trim();
}
