import type { ErrorCode } from '../../common/error-codes.ts';
import { MobulaError } from '../../common/errors.ts';
import { now, Timer } from '../../common/timers.ts';
import { type Child, type Output, startChild } from './child-process.ts';
import type { Exit, Failure, Report } from './contract.ts';
import { type Life, type LifeEffect, type LifeEvent, lifeStep, newLife } from './life.ts';

/** How a process is run. */
export interface Setting {
  /** Its program: a file of the package. */
  readonly entry: URL;
  /** Whether a process that dies is replaced. */
  readonly replace: boolean;
  readonly output: Output;
}

/** One kind of process, and who is told of it. */
export interface Role<Ready> extends Setting {
  /** For messages. */
  readonly name: string;
  /** For the first process and for each that replaces it. */
  config(start: number): object;
  /** A process is up. Before `up` of `Supervised` resolves. */
  ready?(ready: Ready, pid: number): void;
  /** A process that was up is dead, whoever wanted it. */
  reported?(exit: Exit): void;
}

/** Keeps one process running, until it is told to stop or cannot. */
export class Supervised<Ready> {
  readonly #role: Role<Ready>;
  readonly #life: Life;
  readonly #env = {
    get now() {
      return now();
    },
    random: Math.random,
  };
  #child: Child | undefined;
  #isUp = false;
  #timer: Timer | undefined;
  #wasUp: (ready: Ready) => void = () => {};
  #isOver: (failure: Failure | undefined) => void = () => {};
  /** The first process is up. Rejects if none ever is. */
  readonly up: Promise<Ready>;
  /** The end: with what went wrong, or, after `stop`, with nothing. Never rejects. */
  readonly over: Promise<Failure | undefined>;

  constructor(role: Role<Ready>) {
    this.#role = role;
    this.#life = newLife(role.name, role.replace);
    this.over = new Promise((resolve) => {
      this.#isOver = resolve;
    });
    this.up = new Promise((resolve, reject) => {
      this.#wasUp = resolve;
      void this.over.then((failure) => reject(asError(failure ?? stopped(role.name))));
    });
    // Not everybody asks.
    this.up.catch(() => {});
    this.#do({ type: 'begin' });
  }

  /** Of the process that runs now. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Drains for at most `ms`, then kills. The second call kills at once. */
  stop(ms: number): Promise<Failure | undefined> {
    this.#child?.hold(true);
    this.#do({ type: 'stop', ms });
    return this.over;
  }

  /** Sends a signal to the process that runs now. */
  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Whether this process stays alive for the one that runs now. */
  hold(alive: boolean): void {
    this.#child?.hold(alive);
  }

  #do(event: LifeEvent): void {
    for (const effect of lifeStep(this.#life, event, this.#env)) this.#carryOut(effect);
  }

  #carryOut(effect: LifeEffect): void {
    switch (effect.type) {
      case 'spawn':
        this.#spawn(effect.start);
        return;
      case 'drain':
        this.#child?.order({ drain: { ms: effect.ms } });
        return;
      case 'kill':
        this.#child?.kill('SIGKILL');
        return;
      case 'timer':
        this.#timer?.cancel();
        this.#timer = new Timer(effect.ms, () => this.#do({ type: 'timer' }));
        return;
      case 'over':
        this.#timer?.cancel();
        this.#isOver(effect.failure);
    }
  }

  #spawn(start: number): void {
    const { entry, output, config } = this.#role;
    this.#child = startChild<Ready>(entry, config(start), output, {
      reported: (report) => this.#heard(report),
      exited: (exit, problem) => {
        this.#child = undefined;
        if (this.#isUp) this.#role.reported?.(exit);
        this.#isUp = false;
        this.#do({ type: 'exited', exit, ...(problem !== undefined && { problem }) });
      },
    });
  }

  #heard(report: Report<Ready>): void {
    if ('failed' in report) {
      this.#do({ type: 'failed', failure: report.failed });
      return;
    }
    this.#isUp = true;
    this.#do({ type: 'ready' });
    this.#role.ready?.(report.ready, this.#child?.pid ?? 0);
    this.#wasUp(report.ready);
  }
}

function stopped(name: string): Failure {
  return { code: 'ERR_MOBULA_RUNTIME_CLOSED', message: `The ${name} was stopped while it started` };
}

/** The error that a child told of. */
export function asError({ code, message }: Failure): MobulaError {
  return new MobulaError(code as ErrorCode, message);
}
