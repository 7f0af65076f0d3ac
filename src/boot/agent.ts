/** The program of the agent's thread: speaks with the head and with other nodes. No code of the user runs here. */
import { hostname } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { Agent } from '../agent/agent.ts';
import { Arrivals } from '../agent/output/arrivals.ts';
import type { Granted } from '../agent/ports.ts';
import { passing } from '../agent/values.ts';
import { formatAddress, parseAddress } from '../common/address.ts';
import { isMobulaError, MobulaError } from '../common/errors.ts';
import { traceOf } from '../common/thrown.ts';
import { clearTimeout, now, setImmediate, setTimeout, sleep } from '../common/timers.ts';
import { version } from '../common/version.ts';
import { portKind } from '../core/port/wire.ts';
import { ThreadRuntime } from '../core/runtime.ts';
import { NodeReplica } from '../gcs/replica.ts';
import { addon } from '../native/binding.ts';
import { type Listener, SessionRunner } from '../transport/index.ts';
import { connectHead } from '../wire/head-link.ts';
import type { Head, HeadListener, Granted as WordOfHead } from '../wire/ports.ts';
import { AgentData } from './agent-data.ts';
import { dialer } from './agent-dial.ts';
import { listenInRange } from './agent-listen.ts';
import { AgentLoad, type Reason } from './agent-load.ts';
import type { AgentConfig, FromAgent, ToAgent } from './agent-messages.ts';
import { AgentOutput } from './agent-output.ts';
import { registering } from './agent-register.ts';

/** Milliseconds between two looks at tasks that wait, at least. */
const WAITS_MS = 1000;
/** Milliseconds between two reports of a load that changes. */
const REPORT_MS = 50;
/** Milliseconds between two looks whether the node has CPU for others. */
const LOOK_MS = 10;
/** The same, once the agent was woken: its tasks, or those of others, may have ended. */
const SOON_MS = 2;
/** The same, once nothing has happened for a while. */
const IDLE_LOOK_MS = 400;

const config = workerData as AgentConfig;
const say = (message: FromAgent): void => parentPort?.postMessage(message);

/** The agent with all that it speaks with. */
class AgentThread {
  readonly #runtime: ThreadRuntime;
  readonly #agent: Agent;
  readonly #sessions: SessionRunner;
  readonly #load: AgentLoad;
  readonly #output: AgentOutput;
  readonly #data: AgentData;
  #head: Head | undefined;
  #listener: Listener | undefined;
  #leaving = false;
  /** The number of a driver's job. */
  #job = 0;
  /** When the load is looked at next, and how long after the last time. */
  #looks: NodeJS.Timeout | undefined;
  #pause = LOOK_MS;
  /** When tasks that wait were looked at last, and when the load was. */
  #looked = 0;
  #reported = 0;
  /** Whether it will look soon. */
  #looksSoon = false;

  constructor() {
    const { facts } = config;
    this.#runtime = new ThreadRuntime(addon, portKind.agent, -1, facts, passing, noThings, () => {
      this.#agent.rung();
      this.#lookSoon();
    });
    const find = (node: string): Promise<string> => this.#addressOf(node, 'agent');
    this.#sessions = new SessionRunner(facts.nodeId, {
      dial: dialer(this.#self, find),
      deliver: (from, _n, body) => {
        this.#agent.deliver(from, body);
        this.#wake();
      },
      held: () => {},
      go: (to) => this.#agent.go(to),
      ended: (peer, text) => this.#lost(peer, text),
    });
    this.#output = new AgentOutput(config.output, {
      driverOf: (job) => this.#driverOf(job),
      look: () => this.#agent.rung(),
      printed: (node, job, bytes) => this.#agent.printed(node, job, bytes),
      ring: () => addon.ringDriver(),
    });
    this.#data = new AgentData(config, this.#runtime, {
      addressOf: (node) => this.#addressOf(node, 'data'),
      // Later: what is told of fetches goes on with what the end of the session takes away.
      apart: (node, why) => void setImmediate(() => this.#sessions.end(node, why)),
      ended: () => this.#agent.rung(),
    });
    this.#agent = new Agent(this.#runtime, {
      output: this.#output,
      data: this.#data,
      arrivals: config.job && new Arrivals(this.#output.pass),
      register: registering(this.#runtime, () => this.#job),
      send: (to, body) => sent[this.#sessions.send(to, body, false).is],
      request: (wanted) => {
        // How long tasks wait here, and which of them others may have, is to be known together.
        if (wanted.wishes.some(({ ask, count }) => count > 0 && ask.strategy === 'elsewhere')) this.#look('turn');
        this.#head?.request(wanted);
      },
      misbehaved: (node, error) => this.#sessions.end(node, (error as Error).message),
    });
    this.#load = new AgentLoad(this.#runtime, this.#agent);
  }

  get #self(): { readonly nodeId: string; readonly version: string; readonly token: string } {
    return { nodeId: config.facts.nodeId, version, token: config.token };
  }

  async begin(): Promise<void> {
    const { bind, advertise, ports, labels, job, facts } = config;
    this.#listener = await listenInRange(bind, ports, this.#self, this.#sessions.accept);
    const data = await this.#data.listen();
    const head = await connectHead({ ...headAddress(), ...config, self: this.#self }, this.#hears);
    this.#head = head;
    await this.#follow(head);
    const reconnectMs = await head.registerNode({
      driver: job !== undefined,
      host: hostname(),
      pid: process.pid,
      resources: facts.totals,
      labels,
      agent: advertise === '' ? '' : formatAddress({ host: advertise, port: this.#listener.port }),
      data,
    });
    this.#sessions.reach(reconnectMs);
    this.#data.reachMs = reconnectMs;
    if (job !== undefined) this.#job = await head.registerJob({ no: 1, ...job });
    this.#lookOn();
    this.#agent.rung();
    say({ kind: 'up', job: this.#job });
  }

  readonly #hears: HeadListener = {
    granted: (words) => this.#agent.granted(words.flatMap(wordOf)),
    askAll: (fresh) => {
      this.#agent.askAll(fresh);
      this.#look('always');
    },
    suspected: () => {},
    connected: () => {},
    answered: () => {},
    ended: (error) => {
      if (this.#leaving) return;
      this.#stop();
      end({ kind: 'ended', ...described(error) });
    },
  };

  /** Keeps the copy of the node table that `nodes()` reads, and hears of deaths and of the ends of jobs. */
  async #follow({ nodes, jobs }: Head): Promise<void> {
    await jobs.watch((change) => {
      const known = this.#agent.jobs;
      if (change.kind === 'put') known.set(change.row.job, change.row.ended);
      else if (change.kind === 'delete') known.forget(Number(change.key));
      else if (change.kind === 'reset') known.reset([...change.rows.values()].map(({ job, ended }) => [job, ended]));
    });
    const replica = new NodeReplica(addon, this.#runtime.port.id);
    await nodes.watch((change) => {
      replica.apply(change);
      if (change.kind === 'put' && !change.row.alive) this.#died(change.key, change.row.begun);
      else if (change.kind === 'delete') this.#died(change.key);
      else if (change.kind === 'reset') {
        for (const [node, { alive, begun }] of change.rows) if (!alive) this.#died(node, begun);
      }
    });
  }

  #died(node: string, begun?: string): void {
    if (node === config.facts.nodeId) return;
    // First: the end of a session says nothing of what had begun.
    this.#agent.dead(node, begun);
    this.#sessions.dead(node);
    this.#data.dead(node);
    this.#head?.buried(node);
  }

  /** The session with a node has ended, for good. If that node lives, the head must choose between the two. */
  #lost(node: string, why: string): void {
    this.#agent.dead(node);
    this.#data.dead(node);
    if (!this.#leaving && !this.#sessions.isDead(node)) this.#head?.complain(node, why);
  }

  async #addressOf(node: string, plane: 'agent' | 'data'): Promise<string> {
    const found = await this.#head?.nodes.get(node);
    const address = found?.row[plane] ?? '';
    if (address === '' || found?.row.alive !== true) {
      throw new MobulaError('ERR_MOBULA_CONNECTION', `Node ${node} accepts no connections`);
    }
    return address;
  }

  /** The driver of a job that has not ended. */
  async #driverOf(job: number): Promise<string | undefined> {
    const found = await this.#head?.jobs.get(String(job));
    return found === undefined || found.row.ended ? undefined : found.row.driver;
  }

  /** Looks now, and again and again. */
  #lookOn(): void {
    const isDue = now() - this.#reported >= REPORT_MS;
    const isBusy = this.#look(isDue ? 'change' : 'turn') || addon.liveTasks() > 0;
    if (now() - this.#looked >= WAITS_MS) {
      this.#looked = now();
      this.#agent.lookAtWaiting();
    }
    // Who would say so may be busy with the program for long.
    if (this.#output.hasNews()) this.#agent.rung();
    this.#pause = isBusy ? LOOK_MS : Math.min(2 * this.#pause, IDLE_LOOK_MS);
    this.#lookLater();
  }

  /** Something has come for a node that had nothing to do. */
  #wake(): void {
    if (this.#pause === LOOK_MS) return;
    this.#pause = LOOK_MS;
    this.#lookLater();
  }

  /** The agent was woken: looks whether the node has CPU for others, a little later and once for all that happens until then. */
  #lookSoon(): void {
    if (this.#looksSoon || this.#head === undefined) return;
    this.#looksSoon = true;
    setTimeout(() => {
      this.#looksSoon = false;
      this.#look('turn');
    }, SOON_MS).unref();
  }

  #lookLater(): void {
    clearTimeout(this.#looks);
    this.#looks = setTimeout(() => this.#lookOn(), this.#pause).unref();
  }

  /** Reports the load, if there is that reason to. True if there was. */
  #look(reason: Reason): boolean {
    if (reason !== 'turn') this.#reported = now();
    const told = this.#load.look(reason, this.#leaving);
    if (told !== undefined) this.#head?.report(told.load, told.soon);
    return told !== undefined;
  }

  /** Takes nothing new, waits for what runs here for others, and leaves. */
  async leave(ms: number): Promise<void> {
    this.#leaving = true;
    this.#look('always');
    this.#agent.leave();
    const { job } = config;
    const until = now() + ms;
    // What is under way ends; what comes of it is sent before the connections end.
    while (now() < until && this.#agent.load.running + this.#agent.unfetched > 0) await sleep(LOOK_MS);
    await Promise.race([this.#bye(job !== undefined), sleep(Math.max(1000, until - now()))]);
    this.#stop();
    endSoon();
  }

  async #bye(isDriver: boolean): Promise<void> {
    if (isDriver) await this.#head?.endJob(this.#job);
    await this.#head?.bye();
  }

  #stop(): void {
    clearTimeout(this.#looks);
    this.#agent.close();
    this.#sessions.stop();
    this.#head?.close();
    void this.#listener?.stop();
    this.#data.stop();
    this.#runtime.close('');
  }
}

/** Values of a cluster's job carry nothing that threads of one process share. */
const noThings = {
  share(): never {
    throw new Error('nothing is shared between nodes');
  },
  find(): never {
    throw new Error('nothing is shared between nodes');
  },
};

const sent = {
  taken: 'taken',
  'taken, wait for go': 'wait',
  'refused: full': 'full',
  'refused: ended': 'ended',
} as const;

function wordOf(word: WordOfHead): Granted[] {
  if (word.kind === 'grant') return [word];
  if (word.kind === 'assign' || !('line' in word.about)) return [];
  const { line } = word.about;
  return word.kind === 'infeasible' ? [{ kind: 'infeasible', line }] : [{ kind: 'node-died', line, node: word.node }];
}

function headAddress(): { readonly host: string; readonly port: number } {
  const parsed = parseAddress(config.address);
  if (parsed === undefined) throw new MobulaError('ERR_MOBULA_INVALID_OPTION', `${config.address} is no address`);
  return parsed;
}

function described(error: unknown): { readonly code: string; readonly message: string } {
  if (isMobulaError(error)) return { code: error.code, message: error.message };
  return { code: 'ERR_MOBULA_INTERNAL', message: traceOf(error) };
}

/** The last word of this thread. */
function end(message: FromAgent): void {
  say(message);
  endSoon();
}

/** Ends this thread, once its messages and frames are on their way. */
function endSoon(): void {
  setImmediate(() => process.exit());
}

const thread = new AgentThread();
parentPort?.on('message', ({ ms }: ToAgent) => void thread.leave(ms));
thread.begin().catch((error: unknown) => end({ kind: 'failed', ...described(error) }));
