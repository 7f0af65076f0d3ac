import type { Template } from '../submit/template.ts';
import type { Carrier } from '../telemetry/trace.ts';
import type { GeneratorRun } from './generator-run.ts';
import type { Origin } from './origin.ts';
import type { TaskContext } from './task-context.ts';

/** One attempt of a task while its thread has it. */
export class Attempt implements TaskContext {
  readonly template: Template;
  readonly index: number;
  readonly generation: number;
  readonly attempt: number;
  readonly actor: number;
  /** Whether it constructs the actor. */
  readonly creates: boolean;
  /** Items of its stream that earlier attempts have handed out. */
  readonly skip: number;
  /** What it is at the node that has submitted it, if that is another. */
  readonly origin: Origin | undefined;
  stop: AbortController | undefined = undefined;
  stopped = false;
  blocked = 0;
  carrier: Carrier | undefined = undefined;
  pending = false;
  /** How often its result found no room. */
  tries = 0;
  /** Whether its outcome is written. */
  ended = false;
  generator: GeneratorRun | undefined = undefined;

  constructor(
    template: Template,
    index: number,
    generation: number,
    attempt: number,
    creates: boolean,
    extra: number,
    origin: Origin | undefined,
  ) {
    const isTask = template.info.kind === 'task';
    this.template = template;
    this.index = index;
    this.generation = generation;
    this.attempt = origin?.attempt ?? attempt;
    this.origin = origin;
    this.creates = creates;
    this.actor = isTask ? -1 : extra;
    this.skip = isTask ? extra : 0;
  }

  get name(): string {
    return this.template.info.name;
  }
}
