import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import type { TestContext } from 'node:test';
import type * as HeadModule from '../../src/boot/head.ts';
import { version } from '../../src/common/version.ts';
import { connectHead } from '../../src/wire/head-link.ts';
import type { Granted, Head, HeadListener, Load, NodeFacts } from '../../src/wire/ports.ts';
import { token } from './token.ts';

/** The built one: its children are the programs that ship. */
const { startHead } = (await import(new URL('../../../dist/boot/head.js', import.meta.url).href)) as typeof HeadModule;

export type RunningHead = HeadModule.RunningHead;

/** A head of real processes, which ends with the test. */
export async function head(
  t: TestContext,
  config: Partial<HeadModule.HeadConfig> = {},
): Promise<RunningHead & { readonly notes: string[] }> {
  const notes: string[] = [];
  const started = await startHead({
    host: '127.0.0.1',
    port: 0,
    token,
    dataDir: null,
    nodeTimeoutMs: 5_000,
    reconnectMs: 60_000,
    note: (line) => void notes.push(line),
    ...config,
  });
  t.after(() => started.stop());
  return Object.assign(started, { notes });
}

/** A folder that is gone after the test. */
export function folder(t: TestContext): string {
  const made = mkdtempSync(joinPath(tmpdir(), 'mobula-cluster-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return joinPath(made, 'log');
}

/** What a node was told, and its connection. */
export interface Member {
  readonly id: string;
  readonly head: Head;
  readonly granted: Granted[];
  /** One for each time it was asked for all: whether the scheduler was new. */
  readonly asked: boolean[];
  readonly suspects: string[];
  readonly connections: boolean[];
  readonly ended: Promise<Error>;
  /** Called at each event. */
  onEvent: () => void;
}

export async function join(t: TestContext, { port }: { readonly port: number }, id = newId()): Promise<Member> {
  const granted: Granted[] = [];
  const asked: boolean[] = [];
  const suspects: string[] = [];
  const connections: boolean[] = [];
  let end: (error: Error) => void = () => {};
  const ended = new Promise<Error>((resolve) => {
    end = resolve;
  });
  const listener: HeadListener = {
    granted: (words) => {
      granted.push(...words);
      member.onEvent();
    },
    askAll: (fresh) => {
      asked.push(fresh);
      member.onEvent();
    },
    suspected: (node, suspected) => {
      suspects.push(`${suspected ? '' : 'not '}${node}`);
      member.onEvent();
    },
    connected: (connected) => {
      connections.push(connected);
      member.onEvent();
    },
    answered: () => {},
    ended: end,
  };
  const connected = await connectHead(
    {
      host: '127.0.0.1',
      port,
      self: { nodeId: id, version, token },
      firstTimeoutMs: 0,
      headTimeoutMs: 60_000,
    },
    listener,
  );
  t.after(() => connected.close());
  const member: Member = {
    id,
    head: connected,
    granted,
    asked,
    suspects,
    connections,
    ended,
    onEvent: () => {},
  };
  return member;
}

export function newId(): string {
  return randomBytes(8).toString('hex');
}

export const facts: NodeFacts = {
  driver: false,
  host: 'here',
  pid: 1,
  resources: { CPU: 2 },
  labels: { zone: 'a' },
  agent: '127.0.0.1:1',
  data: '',
};

export const idle: Load = {
  total: { CPU: 20_000 },
  available: { CPU: 20_000 },
  lent: [],
  queue: 0,
  meanMs: 0,
  means: [],
  bytesPerMs: 0,
  onlyJob: null,
  draining: false,
};

/** A node that has registered and reports. */
export async function node(t: TestContext, to: { readonly port: number }): Promise<Member> {
  const member = await join(t, to);
  await member.head.registerNode(facts);
  member.head.report(idle, false);
  return member;
}
