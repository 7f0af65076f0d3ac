import { MobulaError, reviveError } from '../../common/errors.ts';
import type { ResolvedActorOptions, ResolvedTaskOptions } from '../../common/options.ts';
import { ActorClass } from '../actors/actor-class.ts';
import { isActorHandle, makeHandle } from '../actors/handle.ts';
import type { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRuntime, Travel } from '../runtime.ts';
import { marksRegistration } from '../submit/registration-refs.ts';
import { Code, Remote } from '../submit/remote.ts';
import { RemoteFunction } from '../submit/remote-function.ts';
import type { Carrier } from '../telemetry/trace.ts';
import { portableKind } from './portable-kind.ts';

/** How remote functions, actor classes, actor handles and mobula's own errors travel between threads. */
export const travel: Travel = {
  isPortable: (value) => value instanceof RemoteFunction || value instanceof ActorClass || isActorHandle(value),
  revive(runtime, kind, payload) {
    switch (kind) {
      case portableKind.argument:
        return runtime.inbox.argument(payload as number);
      case portableKind.remote:
        return reviveRemote(runtime, payload as [ObjectRef<unknown> | null, number]);
      case portableKind.actorHandle: {
        const [ref, template] = payload as [ObjectRef<unknown>, number];
        return makeHandle(runtime, ref, runtime.registry.get(template));
      }
      case portableKind.error:
        return reviveError(payload);
      case portableKind.trace:
        runtime.inbox.carrier = payload as Carrier;
        return undefined;
      default:
        throw new MobulaError('ERR_MOBULA_INTERNAL', `nothing travels as kind ${kind}`);
    }
  },
};

/** `ref` keeps the remote function registered; without one it came up in its own code. */
function reviveRemote(runtime: ThreadRuntime, [ref, id]: [ObjectRef<unknown> | null, number]): object {
  const template = runtime.registry.get(id);
  const { info } = template;
  if (info.kind === 'method') throw new MobulaError('ERR_MOBULA_INTERNAL', 'methods do not travel');
  if (ref !== null) marksRegistration(ref);
  const code = new Code(undefined, { runtime, object: info.code, keeper: ref ?? id });
  const known = <T extends ResolvedTaskOptions | ResolvedActorOptions>(remote: Remote<T>): Remote<T> =>
    ref === null ? remote.within(id) : remote.adopt(runtime, { template, ref });
  if (info.kind === 'task') {
    const shape = { kind: 'task', generator: info.generator } as const;
    return RemoteFunction.of(known(new Remote(code, info.spec as ResolvedTaskOptions, shape)));
  }
  const shape = { kind: 'actor', methods: info.methods } as const;
  return ActorClass.of(known(new Remote(code, info.spec as ResolvedActorOptions, shape)));
}
