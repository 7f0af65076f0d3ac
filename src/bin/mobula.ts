#!/usr/bin/env node
import { version } from '../common/version.ts';
import { type Command, exitCodeOf, isUsageError, tell, UsageError } from './command.ts';

/** Loaded when asked for: `doctor` has to run where the native part does not load. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  doctor: async () => (await import('./doctor.ts')).doctor,
  list: async () => (await import('./list.ts')).list,
  microbenchmark: async () => (await import('./microbenchmark.ts')).microbenchmark,
  start: async () => (await import('./start.ts')).start,
  status: async () => (await import('./status.ts')).status,
  stop: async () => (await import('./stop.ts')).stop,
};

async function help(): Promise<string> {
  const names = Object.keys(commands);
  const width = Math.max(...names.map((name) => name.length));
  const lines = names.map(async (name) => `  ${name.padEnd(width)}  ${(await commands[name]?.())?.summary}`);
  const list = (await Promise.all(lines)).join('\n');
  return `usage: mobula <command> [options]\n\n${list}\n\n'mobula <command> --help' tells more. 'mobula --version' prints the version.`;
}

/** Runs a command line and gives its exit code: 0, or 1 for failed. */
async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === '--version' || name === '-v') {
    console.log(version);
    return 0;
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    console.log(await help());
    return 0;
  }
  if (name === undefined) throw new UsageError(await help());
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined) throw new UsageError(`mobula: there is no command '${name}'.\n\n${await help()}`);
  const command = await load();
  if (args.includes('--help') || args.includes('-h')) {
    console.log(command.usage);
    return 0;
  }
  try {
    return await command.run(args);
  } catch (error) {
    if (!isUsageError(error)) throw error;
    throw new UsageError(`mobula ${name}: ${error.message}\n\n${command.usage}`);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(tell(error));
  process.exitCode = exitCodeOf(error);
}
