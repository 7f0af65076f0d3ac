import { spawn } from 'node:child_process';

/** A child that says nothing for so long is taken for hung. */
const LIMIT_MS = 180_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs a command to its end and gives `{ code, output, problem }`; a `problem` is why it is no success. It gets a process
 * group of its own, so that nothing it started outlives it.
 */
export function runToEnd(command, args, { env = {}, limitMs = LIMIT_MS } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let output = '';
    let errors = '';
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid, 'SIGKILL');
    }, limitMs);
    const stop = () => {
      process.kill(-child.pid, 'SIGKILL');
      process.exit(130);
    };
    for (const signal of SIGNALS) process.once(signal, stop);
    const end = (result) => {
      clearTimeout(timer);
      for (const signal of SIGNALS) process.off(signal, stop);
      resolve(result);
    };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors = (errors + text).slice(-8000);
    });
    child.on('error', (error) => end({ code: null, output, problem: error.message }));
    child.on('close', (code, signal) => {
      const reason = late ? `no end after ${limitMs / 1000} s` : `ended with ${signal ?? `code ${code}`}`;
      end({ code, output, problem: code === 0 ? undefined : `${reason}: ${lastLine(errors)}` });
    });
  });
}

function lastLine(text) {
  return text.trimEnd().split('\n').at(-1)?.trim() ?? '';
}
