/** What a decision may know of the world outside: nothing else is read. */
export interface Env {
  /** Milliseconds on this process's clock, which never goes back. */
  readonly now: number;
  /** A number from 0 up to, not including, 1. */
  random(): number;
}

/**
 * A part of the cluster that decides. It changes `state` as `event` asks, and gives what is to be done about it, in order:
 * messages, timers, writes. The same state, event and env give the same: the simulator (`test/sim/`) runs what ships.
 */
export type Step<State, Event, Effect> = (state: State, event: Event, env: Env) => readonly Effect[];
