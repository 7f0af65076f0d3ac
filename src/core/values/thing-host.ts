import type { ThreadRuntime } from '../runtime.ts';
import type { ThingHost } from './shared-things.ts';

/** What a thread's runtime does for the things it shares with others. */
export function thingHost(runtime: ThreadRuntime): ThingHost {
  const { addon, port, facts } = runtime;
  return {
    nodeId: facts.nodeId,
    hold: () => runtime.put(undefined),
    generation: (index) => (runtime.closed ? -1 : addon.objectGeneration(port.id, index)),
  };
}
