import { execFileSync } from 'node:child_process';
import type { TestContext } from 'node:test';

/** A machine with a network of its own, as far as its processes see. */
export interface Host {
  readonly address: string;
  /** What starts a process there: comes before its command. */
  readonly before: readonly string[];
  /** Plugs its cable in, or out. */
  link(up: boolean): void;
}

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Two hosts with a cable between them, which go with the test. Or why there can be none here. */
export function twoHosts(t: TestContext): readonly [Host, Host] | string {
  // Network namespaces and their interfaces; names have 15 characters at most.
  const names = ['a', 'b'].map((end) => `mob${process.pid}${end}`) as [string, string];
  t.after(() => {
    for (const name of names) {
      try {
        ip('netns', 'del', name);
      } catch {
        // It was not made.
      }
    }
  });
  try {
    for (const name of names) ip('netns', 'add', name);
    const [a, b] = names;
    ip('link', 'add', a, 'netns', a, 'type', 'veth', 'peer', 'name', b, 'netns', b);
    return [hostOf(a, '10.86.0.1'), hostOf(b, '10.86.0.2')];
  } catch (error) {
    return `network namespaces cannot be made here: ${(error as Error).message.split('\n')[0]}`;
  }
}

function hostOf(name: string, address: string): Host {
  const link = (up: boolean): void => ip('-n', name, 'link', 'set', name, up ? 'up' : 'down');
  ip('-n', name, 'addr', 'add', `${address}/24`, 'dev', name);
  ip('-n', name, 'link', 'set', 'lo', 'up');
  link(true);
  return { address, before: ['ip', 'netns', 'exec', name], link };
}
