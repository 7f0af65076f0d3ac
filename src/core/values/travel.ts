import { MobulaError, reviveError } from '../../common/errors.ts';
import type { ResolvedActorOptions, ResolvedTaskOptions } from '../../common/options.ts';
import { ActorClass } from '../actors/actor-class.ts';
import { isActorHandle, makeHandle } from '../actors/handle.ts';
import type { ObjectRef } from '../refs/object-ref.ts';
import type { ThreadRuntime, Travel } from '../runtime.ts';
import { portableKind, Remote } from '../submit/remote.ts';
import { RemoteFunction } from '../submit/remote-function.ts';
import type { Carrier } from '../telemetry/trace.ts';

/** How remote functions, actor classes, actor handles and mobula's own errors travel between threads. */
export const travel: Travel = {
  isPortable: (value) => value instanceof RemoteFunction || value instanceof ActorClass || isActorHandle(value),
  revive(runtime, kind, payload) {
    switch (kind) {
      case portableKind.remote:
        return reviveRemote(runtime, payload as number);
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

function reviveRemote(runtime: ThreadRuntime, id: number): object {
  const template = runtime.registry.get(id);
  const { info } = template;
  if (info.kind === 'method') throw new MobulaError('ERR_MOBULA_INTERNAL', 'methods do not travel');
  const code = {
    source: undefined,
    runtime,
    object: info.code,
    state: 'there' as const,
    told: false,
    variants: new Map<string, unknown>(),
  };
  if (info.kind === 'task') {
    const shape = { kind: 'task', generator: info.generator } as const;
    return RemoteFunction.of(new Remote(code, info.spec as ResolvedTaskOptions, shape).adopt(runtime, template));
  }
  const shape = { kind: 'actor', methods: info.methods } as const;
  return ActorClass.of(new Remote(code, info.spec as ResolvedActorOptions, shape).adopt(runtime, template));
}
