/** What an object's value keeps, as the core says it (`crates/mobula-sched/src/look.rs`). */
export const weight = {
  /** Its value is not there, or was not read. */
  unknown: 0,
  /** A few bytes. */
  light: 1,
  /** Many bytes, buffers, other objects, or an actor. */
  heavy: 2,
} as const;

export type Weight = (typeof weight)[keyof typeof weight];

/** A value of more encoded bytes than this is heavy. */
export const LIGHT_BYTES = 1024;
