import type { JobRow, NodeRow } from '../../../src/gcs/tables/members.ts';
import type { Input, Self } from '../program.ts';
import { Violation } from '../scenario.ts';
import { Agent } from './agent.ts';
import type { Bug } from './bugs.ts';
import { type Hears, type Io, nodeIdOf } from './io.ts';
import { MemberLink } from './member-link.ts';
import { PeerSessions } from './peers.ts';
import type { Spec, Value, Work } from './work.ts';

/** What the program of a driver asks. */
export type Ask = { readonly submit: Spec } | { readonly cancel: string; readonly force: boolean };

/** What is told of tasks. */
export type Told =
  | { readonly is: 'began'; readonly work: Work; readonly attempt: number }
  | { readonly is: 'made'; readonly value: Value }
  | {
      readonly is: 'settled';
      readonly spec: Spec;
      readonly attempts: number;
      readonly excused: number;
      readonly status: number;
      readonly values: readonly Uint8Array[];
    }
  | { readonly is: 'stays' | 'unread'; readonly task: string }
  | { readonly is: 'remade'; readonly task: string; readonly excused: number }
  /** The driver's job has its number: its program begins. */
  | { readonly is: 'ready' };

const LOOK_MS = 50;
/** Between two looks at tasks that wait. */
const WAITS_MS = 10;
/** For so long a node that leaves waits for what runs there. */
const DRAIN_MS = 1500;
const UNIT = 10_000;
/** Less than tasks take, so that some wait at their nodes. */
const shortMeans = [0, 1, 2].map((fn) => [`f${fn}`, 0.5] as const);

/** A node, or a driver: its agent, its sessions, its connection to the head. What `boot/agent.ts` does. */
export class Member implements Hears {
  readonly node: string;
  readonly sessions: PeerSessions;
  readonly agent: Agent;
  readonly #io: Io;
  readonly #self: Self;
  readonly #slots: number;
  readonly #bug: Bug | undefined;
  readonly #head: MemberLink;
  readonly #nodes = new Map<string, NodeRow>();
  /** What was reported last. */
  #queue = 0;
  /** When a node that leaves is gone at the latest. */
  #goneAt: number | undefined;

  constructor(self: Self, io: Io, slots: number, bug: Bug | undefined) {
    this.#self = self;
    this.#io = io;
    this.#slots = slots;
    this.#bug = bug;
    this.node = nodeIdOf(self);
    const tell = (told: Told): void => io.do({ do: 'tell', what: told });
    this.agent = new Agent(io, this.node, slots, bug, {
      send: (to, body) => this.sessions.send(to, body),
      sendData: (to, message) => this.sessions.sendData(to, message),
      request: (wanted) => this.#head.request(wanted),
      misbehaved: (node, error) => {
        throw error instanceof Violation
          ? error
          : new Violation(`${node} broke the protocol: ${(error as Error).stack}`);
      },
      began: (work, attempt) => tell({ is: 'began', work, attempt }),
      made: (value) => tell({ is: 'made', value }),
      stays: ({ task }) => tell({ is: 'stays', task }),
      unread: ({ task }) => tell({ is: 'unread', task }),
      remade: ({ task }, excused) => tell({ is: 'remade', task, excused }),
      settled: (spec, attempts, excused, status, values) =>
        tell({ is: 'settled', spec, attempts, excused, status, values }),
    });
    this.sessions = new PeerSessions(io, this.node, bug, {
      hostOf: (node) => this.#addressOf(node),
      deliver: (from, body) => this.agent.deliver(from, body),
      go: (to) => this.agent.go(to),
      ended: (peer, text) => this.#lost(peer, text),
      data: (from, message) => this.agent.data(from, message),
    });
    const facts = {
      driver: self.role === 'driver',
      host: self.host,
      pid: 1,
      resources: this.#total,
      labels: {},
      agent: self.host,
      data: '',
    };
    this.#head = new MemberLink(io, facts, this.#before(), {
      rows: (whole, nodes, jobs) => this.#rows(whole, nodes, jobs),
      registered: (reconnectMs) => this.#registered(reconnectMs),
      job: (job) => this.#job(job),
      granted: (words) => this.agent.granted(words),
      askAll: (fresh) => {
        this.agent.askAll(fresh);
        this.#look(true);
      },
    });
  }

  get #total(): Record<string, number> {
    return this.#slots === 0 ? {} : { CPU: this.#slots * UNIT };
  }

  /** The life of this host before this one, of which some supervisors tell. */
  #before(): string | undefined {
    const life = Number(this.#self.id.split('#')[1]);
    if (life < 2 || life % 3 === 0) return undefined;
    return nodeIdOf({ ...this.#self, id: `${this.#self.host}#${life - 1}` });
  }

  hear(input: Input): void {
    switch (input.on) {
      case 'start':
        this.#head.dial();
        break;
      case 'refused':
        if (input.to === 'head') this.#head.refused();
        else this.sessions.hear(input);
        break;
      case 'open':
        if (input.peer.role === 'head') this.#head.open(input.channel);
        else this.sessions.hear(input);
        break;
      case 'timer':
        this.#fired(input.timer);
        break;
      case 'ask':
        this.#asked(input.what as Ask);
        break;
      default:
        if (!this.#head.hear(input)) this.sessions.hear(input);
    }
  }

  #fired(timer: string): void {
    if (timer === 'dial') this.#head.dial();
    else if (timer === 'member') this.#head.tick();
    else if (timer === 'sessions') this.sessions.give({ type: 'woken' });
    else if (timer === 'look') this.#look();
    else if (timer === 'leave') this.#leave();
    else if (timer === 'waits') this.#lookAtWaiting();
    else this.agent.fired(timer);
  }

  #asked(ask: Ask): void {
    if ('submit' in ask) this.agent.submitting.submit(ask.submit);
    else this.agent.submitting.cancel(ask.cancel, ask.force);
    this.agent.later();
  }

  #rows(whole: boolean, nodes: readonly NodeRow[], jobs: readonly JobRow[]): void {
    if (whole) this.agent.jobs.reset(jobs.map(({ job, ended }) => [job, ended]));
    else for (const { job, ended } of jobs) this.agent.jobs.set(job, ended);
    for (const row of nodes) {
      this.#nodes.set(row.nodeId, row);
      if (!row.alive) this.#died(row.nodeId);
    }
    this.agent.later();
  }

  #addressOf(node: string): string | undefined {
    const row = this.#nodes.get(node);
    return row?.alive === true ? row.agent : undefined;
  }

  #died(node: string): void {
    if (node === this.node) return;
    if (this.#bug !== 'session with the dead goes on') this.sessions.give({ type: 'dead', node });
    this.agent.dead(node);
    this.#head.buried(node);
  }

  /** The session with a node has ended, for good. If that node lives, the head must choose between the two. */
  #lost(node: string, why: string): void {
    this.agent.dead(node);
    if (!this.sessions.state.dead.has(node) && this.#bug !== 'nobody complains') this.#head.complain(node, why);
  }

  #registered(reconnectMs: number): void {
    this.sessions.state.reachMs = reconnectMs;
    // A third of the nodes, some time after they have come.
    if (this.#self.role !== 'driver' && this.#io.random() < 0.3)
      this.#io.at('leave', this.#io.now + 4000 * this.#io.random());
    if (this.#self.role === 'driver' && this.agent.submitting.exported.job === 0) this.#head.registerJob();
    this.#look(true);
  }

  #job(job: number): void {
    this.agent.submitting.exported.job = job;
    this.#io.do({ do: 'tell', what: { is: 'ready' } satisfies Told });
  }

  /** Again and again, as long as tasks wait. */
  #lookAtWaiting(): void {
    this.agent.lookAtWaiting();
    if (this.agent.executor.size > this.#slots) this.#io.at('waits', this.#io.now + WAITS_MS);
  }

  #leave(): void {
    this.#goneAt = this.#io.now + DRAIN_MS;
    this.#look(true);
    this.agent.leave();
  }

  #look(always = false): void {
    const queue = Math.max(0, this.agent.executor.size - this.#slots);
    this.#io.at('look', this.#io.now + LOOK_MS);
    if (queue > 0) this.#io.at('waits', this.#io.now);
    if (this.#goneAt !== undefined && (this.agent.isEmpty || this.#io.now >= this.#goneAt)) {
      this.#io.do({ do: 'exit', why: 'it leaves' });
      return;
    }
    if (queue === this.#queue && !always) return;
    this.#queue = queue;
    const load = {
      total: this.#total,
      available: this.#total,
      lent: [],
      queue,
      meanMs: 10,
      means: shortMeans,
      bytesPerMs: 0,
    };
    this.#head.report({ ...load, onlyJob: null, draining: this.#goneAt !== undefined }, false);
  }
}
