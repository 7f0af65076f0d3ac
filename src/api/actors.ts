import { MobulaError } from '../common/errors.ts';
import { badOption, checkKnown, text } from '../common/options.ts';
import type { ActorHandle, AnyClass } from '../core/actors/actor-class.ts';
import { actorRef } from '../core/actors/handle.ts';
import { findActor } from '../core/actors/names.ts';
import { requireRuntime } from '../core/current.ts';
import { refuseInCluster } from '../core/submit/not-built.ts';

/** Options of `getActor`. */
export interface GetActorOptions {
  /** The namespace that the actor's name is in. Default: that of `init`. */
  readonly namespace?: string;
}

/** Options of `kill`. */
export interface KillOptions {
  /** Whether the actor stays dead. False: it restarts, if it has restarts left. Default: true. */
  readonly noRestart?: boolean;
}

/**
 * A handle to the live actor of that name. It is there as soon as `ActorClass.remote()` of that name has returned.
 *
 * @throws {MobulaError} `ERR_MOBULA_ACTOR_NOT_FOUND` when there is none.
 * @example
 * class CounterClass {
 *   #n = 0;
 *   inc() {
 *     return ++this.#n;
 *   }
 * }
 * remote(CounterClass, { name: 'visits', lifetime: 'detached' }).remote();
 * const counter = await getActor<typeof CounterClass>('visits');
 * console.log(await get(counter.inc.remote())); // 1
 */
export async function getActor<C extends AnyClass>(
  name: string,
  options: GetActorOptions = {},
): Promise<ActorHandle<C>> {
  checkKnown(options, ['namespace'], 'GetActorOptions');
  const runtime = requireRuntime();
  refuseInCluster(runtime.facts, 'An actor');
  const namespace = options.namespace === undefined ? runtime.facts.namespace : text('namespace', options.namespace);
  const found = findActor(runtime, { namespace, name: text('name', name) });
  if (found !== undefined) return found as ActorHandle<C>;
  const advice = 'Actors are named by ActorClass.options({ name }); a name ends with its actor.';
  throw new MobulaError(
    'ERR_MOBULA_ACTOR_NOT_FOUND',
    `No live actor is named '${name}' in namespace '${namespace}'. ${advice}`,
  );
}

/**
 * Kills an actor at once: its calls that wait or run, and all later ones, reject with `ActorDiedError`. With
 * `noRestart: false` and restarts left it is constructed again instead.
 *
 * @throws {MobulaError} `ERR_MOBULA_INVALID_ARGUMENT` when given something else than a handle.
 */
export async function kill(handle: object, options: KillOptions = {}): Promise<void> {
  checkKnown(options, ['noRestart'], 'KillOptions');
  const { noRestart = true } = options;
  if (typeof noRestart !== 'boolean') throw badOption('noRestart', noRestart, 'true or false');
  requireRuntime().submitter.kill(actorRef(handle), !noRestart);
}
