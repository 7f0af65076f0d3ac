import { withoutPage } from '../common/error-page.ts';
import type { ResolvedInitOptions } from '../common/init-options.ts';
import { setCurrentRuntime } from '../core/current.ts';
import type { NodeFacts } from '../core/node-facts.ts';
import type { NewsHandler } from '../core/port/inbox.ts';
import { event } from '../core/port/wire.ts';
import { ThreadRuntime } from '../core/runtime.ts';
import { collect } from '../core/values/collector.ts';
import { SharedThings } from '../core/values/shared-things.ts';
import { thingHost } from '../core/values/thing-host.ts';
import { travel } from '../core/values/travel.ts';
import { namesOf } from '../core/wait/reasons.ts';
import { embeddedGcs } from '../gcs/embedded.ts';
import { addon } from '../native/binding.ts';
import type { WorkerPool } from '../workers/worker-pool.ts';
import type { AgentHost } from './agent-host.ts';
import type { NodeChannels } from './channels.ts';
import { LocalNode } from './local-node.ts';
import { enterNode } from './node-table.ts';
import { Shutdown } from './shutdown.ts';
import { SlowWaits } from './slow-waits.ts';
import { tellLostWorker, tellMistake, tellNoWorkers } from './troubles.ts';

/** A driver, and a node that its thread serves: everything one `init()` brings up. */
export class DriverNode implements NewsHandler {
  /** The runtime of the program's thread. */
  readonly runtime: ThreadRuntime;
  readonly #node: LocalNode;
  readonly #slowWaits: SlowWaits;
  readonly #shutdown: Shutdown;

  /** Is told why it closes, if nobody asked for it. */
  onBroken: (problem: string) => void = () => undefined;

  /** For a core that is started, and threads that come up, `threads` for each job. `agent`: in a cluster, which has taken the node in. */
  constructor(
    options: ResolvedInitOptions,
    facts: NodeFacts,
    pool: WorkerPool,
    threads: number,
    agent: AgentHost | undefined,
  ) {
    const { logger, labels } = options;
    const things = new SharedThings();
    try {
      this.runtime = this.#attach(facts, things);
    } catch (error) {
      things.close();
      throw error;
    }
    const { port, inbox } = this.runtime;
    const troubles = {
      noWorkers: (reason: unknown) => this.#breakDown(tellNoWorkers(logger, reason)),
      lostWorker: (details: string) => {
        if (!this.#shutdown.hasBegun) tellLostWorker(details);
      },
    };
    this.#node = new LocalNode(this.runtime, things, pool, threads, troubles, agent?.output);
    this.#shutdown = new Shutdown(this.runtime, this.#node, agent);
    if (agent !== undefined) agent.onEnded = (error) => this.#breakDown(lostCluster(error));
    this.#slowWaits = new SlowWaits(() => addon.slowWaits(port.id), namesOf(this.runtime.resources), logger);
    inbox.handleNews(this);
    port.onRefused = (error) => {
      tellMistake(logger, error);
      this.#breakDown('');
    };
    // One step without news, so that the core knows that this thread sleeps and has to be rung.
    port.drain(inbox);
    this.#node.begin();
    // In a cluster the agent keeps the copy of the node table.
    if (agent === undefined) enterNode(embeddedGcs(), this.runtime, { driver: true, labels });
    setCurrentRuntime(this.runtime);
  }

  #attach(facts: NodeFacts, things: SharedThings): ThreadRuntime {
    const runtime = new ThreadRuntime(addon, 0, -1, facts, travel, things, () => this.#rung());
    things.begin(thingHost(runtime), []);
    return runtime;
  }

  #rung(): void {
    this.#node.rung(this.#readNews);
    this.#shutdown.look();
  }

  readonly #readNews = (): void => this.runtime.port.drain(this.runtime.inbox, this.#shutdown.look);

  /** Nothing would run, or be heard of, any more: what waits is failed, and later calls are refused. */
  #breakDown(problem: string): void {
    if (problem !== '') this.#shutdown.problem = problem;
    this.onBroken(problem);
    void this.close(0);
  }

  handle(kind: number, pos: number): number {
    switch (kind) {
      case event.collect:
        collect();
        return pos + 4;
      case event.slowWaits:
        this.#slowWaits.tell();
        return pos + 4;
      case event.idle:
        this.#shutdown.idle();
        return pos + 4;
      default:
        return this.#node.handle(kind, pos);
    }
  }

  /** What is told of the node's threads and its object store. */
  get channels(): NodeChannels {
    return this.#node.channels;
  }

  /** Why it closes, if nobody asked for it; else empty. */
  get problem(): string {
    return this.#shutdown.problem;
  }

  /** Worker threads. */
  get workers(): number {
    return this.#node.workers;
  }

  /**
   * Drains, for at most `timeoutMs`, then stops everything. Idempotent: a later call can only bring the end nearer.
   * A promise of it keeps the program alive.
   */
  close(timeoutMs: number | undefined): Promise<void> {
    return this.#shutdown.begin(timeoutMs);
  }
}

function lostCluster(error: Error): string {
  return `This node has lost its cluster: ${withoutPage(error.message)}`;
}
