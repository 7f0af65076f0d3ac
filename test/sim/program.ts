import type { Env, Step } from '../../src/common/step.ts';

/** A life of a process. A host that starts again has a new `id`, as a node has a new NodeId. */
export interface Self {
  readonly host: string;
  readonly role: string;
  readonly id: string;
}

export interface Message {
  readonly type: string;
}

/** What the world tells a process. `M`: the messages of its protocol; `A`: what its application asks. */
export type Input<M extends Message = Message, A = unknown> =
  /** The first input of a life. `files`: what is on its disk. */
  | { readonly on: 'start'; readonly files: ReadonlyMap<string, Uint8Array> }
  | { readonly on: 'open'; readonly channel: number; readonly peer: Self; readonly dialled: boolean }
  /** A dial came to nothing. */
  | { readonly on: 'refused'; readonly to: string }
  /** May also come for a channel that is closed already (fault `late`). */
  | { readonly on: 'message'; readonly channel: number; readonly message: M }
  | { readonly on: 'closed'; readonly channel: number }
  | { readonly on: 'datagram'; readonly from: Self; readonly message: M }
  | { readonly on: 'timer'; readonly timer: string }
  /** The end of a disk operation; without `error` it has succeeded. */
  | { readonly on: 'disk'; readonly token: number; readonly error?: DiskError }
  | { readonly on: 'ask'; readonly what: A };

export type DiskError = 'ENOSPC' | 'EIO';

/** What a process asks of the world. `T`: what it tells its application. */
export type Output<M extends Message = Message, T = unknown> =
  /** Opens a channel: messages arrive in order, or the channel ends. Answered by `open` or `refused`. */
  | { readonly do: 'dial'; readonly to: string }
  | { readonly do: 'send'; readonly channel: number; readonly message: M }
  /** Ends a channel. This side hears no more of it; the other hears `closed` after all that was sent. */
  | { readonly do: 'close'; readonly channel: number }
  | { readonly do: 'datagram'; readonly to: string; readonly message: M }
  /** Starts a timer, or starts it anew. `after`: milliseconds on this process's clock. */
  | { readonly do: 'timer'; readonly timer: string; readonly after: number }
  | { readonly do: 'cancel'; readonly timer: string }
  | { readonly do: 'append'; readonly file: string; readonly bytes: Uint8Array; readonly token: number }
  /** What the file has now is kept at a power cut, once this has succeeded. */
  | { readonly do: 'sync'; readonly file: string; readonly token: number }
  /** New contents, all or nothing, synced: a temporary file, renamed. */
  | { readonly do: 'replace'; readonly file: string; readonly bytes: Uint8Array; readonly token: number }
  | { readonly do: 'tell'; readonly what: T }
  | { readonly do: 'exit'; readonly why: string };

/** One life of a program. `state` is for the checks of a scenario. */
export interface Life {
  readonly state: unknown;
  step(input: Input, env: Env): readonly Output[];
}

/** What a host runs. */
export interface Program {
  spawn(self: Self): Life;
}

/** A program of a step whose events and effects are its own: `input` and `output` say what they are in the simulator. */
export function program<State, Event, Effect>(parts: {
  start(self: Self): State;
  step: Step<State, Event, Effect>;
  input(input: Input): readonly Event[];
  output(effect: Effect): readonly Output[];
}): Program {
  return {
    spawn(self) {
      const state = parts.start(self);
      return {
        state,
        step: (input, env) =>
          parts
            .input(input)
            .flatMap((event) => parts.step(state, event, env).flatMap((effect) => parts.output(effect))),
      };
    },
  };
}

/** A program of a step that takes the simulator's inputs and gives its outputs. */
export function plainProgram<State, M extends Message, A, T>(
  start: (self: Self) => State,
  step: Step<State, Input<M, A>, Output<M, T>>,
): Program {
  return {
    spawn(self) {
      const state = start(self);
      // The world hands a process only messages of its protocol's table, and a scenario asks in its own terms.
      return { state, step: (input, env) => step(state, input as Input<M, A>, env) };
    },
  };
}
