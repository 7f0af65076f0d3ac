import { portable } from '../../store/codec/hooks.ts';

/** How the runtime's own classes travel: the kind, and what stands for the thing. */
export const portableKind = { argument: 0, remote: 1, actorHandle: 2, error: 3, trace: 4 } as const;

/** Stands for an argument that was a ref; replaced by its value before the function runs. */
export function argument(position: number): object {
  return { [portable]: () => [portableKind.argument, position] as const };
}
