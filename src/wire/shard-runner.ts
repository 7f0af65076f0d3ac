import { Alarm } from '../common/alarm.ts';
import { now } from '../common/timers.ts';
import type { Heard } from '../gcs/client/ports.ts';
import type { Link, ShardEffect, ShardEvent, ShardLog, ShardState } from '../gcs/shard/index.ts';
import { shard } from '../gcs/shard/index.ts';

/** Where what a shard says to one client goes. */
export interface ClientEnd {
  say(effect: Heard): void;
  /** What it sent is none of the protocol. */
  refuse(why: string): void;
}

/** Runs the step of a shard: clients on one side, a log on the other. */
export class ShardRunner {
  readonly #state: ShardState;
  readonly #log: ShardLog | null;
  readonly #halt: () => void;
  readonly #ends = new Map<Link, ClientEnd>();
  #lastLink = 0;
  readonly #alarm = new Alarm(() => this.tell({ kind: 'tick' }));

  /** `halt`: the log has failed, and the process must end. */
  constructor(state: ShardState, log: ShardLog | null, halt: () => void) {
    this.#state = state;
    this.#log = log;
    this.#halt = halt;
  }

  /** A client is there. Gives its link, which `tell` needs. */
  open(end: ClientEnd): Link {
    this.#lastLink += 1;
    this.#ends.set(this.#lastLink, end);
    return this.#lastLink;
  }

  close(link: Link): void {
    this.#ends.delete(link);
    this.tell({ kind: 'closed', link });
  }

  tell(event: ShardEvent): void {
    for (const effect of shard(this.#state, event, { now: now(), random: Math.random })) this.#do(effect);
  }

  stop(): void {
    this.#alarm.stop();
  }

  #do(effect: ShardEffect): void {
    switch (effect.kind) {
      case 'append':
        this.#log?.append(effect.firstSeq, effect.lastSeq, effect.bytes, effect.sync);
        break;
      case 'halt':
        this.#halt();
        break;
      case 'wake':
        this.#alarm.at(effect.at);
        break;
      case 'refuse':
        this.#ends.get(effect.link)?.refuse(effect.why);
        break;
      default:
        this.#ends.get(effect.link)?.say(effect);
    }
  }
}
