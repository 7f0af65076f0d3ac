import { MobulaError } from '../common/errors.ts';
import { checkKnown, text } from '../common/options.ts';
import { type ActorHandle, type AnyClass, actorRef, fullName, handleOf } from '../core/actors/actor-class.ts';
import { requireRuntime } from '../core/current.ts';

/**
 * A handle to the live actor of that name.
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
 * const counter = getActor<typeof CounterClass>('visits');
 * console.log(await get(counter.inc.remote())); // 1
 */
export function getActor<C extends AnyClass>(
  name: string,
  options: { readonly namespace?: string } = {},
): ActorHandle<C> {
  checkKnown(options, ['namespace'], 'GetActorOptions');
  const runtime = requireRuntime();
  runtime.port.flush();
  const key = fullName(runtime, text('name', name), options.namespace);
  const object = runtime.addon.findActor(runtime.port.id, key);
  if (object < 0) {
    const [namespace] = key.split('/');
    const advice = 'Actors are named by ActorClass.options({ name }); a name ends with its actor.';
    throw new MobulaError(
      'ERR_MOBULA_ACTOR_NOT_FOUND',
      `No live actor is named '${name}' in namespace '${namespace}'. ${advice}`,
    );
  }
  return handleOf(runtime, runtime.adoptRef(object)) as ActorHandle<C>;
}

/**
 * Kills an actor at once: calls that wait or run reject with `ActorDiedError`.
 *
 * @param options `noRestart: false` restarts it, if it has restarts left. Default: true.
 */
export async function kill(handle: object, options: { readonly noRestart?: boolean } = {}): Promise<void> {
  checkKnown(options, ['noRestart'], 'KillOptions');
  const { noRestart = true } = options;
  requireRuntime().kill(actorRef(handle), !noRestart);
}
