import type { Register } from '../agent/imported.ts';
import { jobNumber } from '../agent/jobs.ts';
import type { ResolvedTaskOptions } from '../common/options.ts';
import { ObjectRef } from '../core/refs/object-ref.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { describedTask } from '../core/submit/described.ts';
import { nativeError } from '../native/native-error.ts';

const encoder = new TextEncoder();

/** Registers templates of other nodes in the core of this one. `own`: gives the number of the job of this process's program, or 0. */
export function registering(runtime: ThreadRuntime, own: () => number): Register {
  const { addon, port, facts, resources } = runtime;
  const { nodeId, cluster } = facts;
  return (ref, { spec, generator, job }, object) => {
    const options = spec as ResolvedTaskOptions;
    const place = { nodeId, resources, cluster: cluster && { ...cluster, jobId: job } };
    const life = addon.objectGeneration(port.id, object);
    const { info, options: terms } = describedTask(generator, options, { code: object, life }, place);
    try {
      const meta = encoder.encode(JSON.stringify(info));
      const number = jobNumber(job);
      const all = { ...terms, name: info.name, job: number === own() ? 0 : number };
      return addon.addTemplate(port.id, ObjectRef.index(ref), all, meta, object, -1);
    } catch (error) {
      throw nativeError(error);
    }
  };
}
