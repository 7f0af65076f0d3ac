/** What a client of a shard is told and what it says: its only dealings with its connection, its owner and the clock. */
import type { Change, Link, ShardEffect, ShardEvent } from '../shard/index.ts';

/** What the shard says to a client. */
export type Heard = Exclude<ShardEffect, { kind: 'append' | 'halt' | 'wake' | 'refuse' }>;

export type ClientEvent =
  /** A connection to the shard is up. The number is never used again. */
  | { readonly kind: 'up'; readonly link: Link }
  | { readonly kind: 'down'; readonly link: Link }
  /** Operations to be carried out behind those before them. `outcome` follows, once. */
  | { readonly kind: 'submit'; readonly id: number; readonly ops: Buffer }
  /** `values` follows. */
  | { readonly kind: 'ask'; readonly id: number; readonly table: number; readonly keys: readonly Buffer[] }
  /** `changed` follows: all there is, then each change. */
  | { readonly kind: 'watch'; readonly id: number; readonly table: number; readonly prefix: Buffer }
  | { readonly kind: 'unwatch'; readonly id: number }
  | { readonly kind: 'heard'; readonly said: Heard }
  | { readonly kind: 'tick' };

/** What the shard is told. */
export type Told = Extract<ShardEvent, { kind: 'hello' | 'write' | 'resent' | 'read' | 'sub' | 'unsub' }>;

export type ClientEffect =
  | { readonly kind: 'tell'; readonly event: Told }
  /** `results`: `shard/results.ts`. */
  | { readonly kind: 'outcome'; readonly id: number; readonly lastSeq: number; readonly results: Buffer }
  | { readonly kind: 'values'; readonly id: number; readonly values: readonly (Change | null)[] }
  /** `whole`: these records are all there are; else they have changed. */
  | { readonly kind: 'changed'; readonly id: number; readonly whole: boolean; readonly changes: readonly Change[] }
  | { readonly kind: 'wake'; readonly at: number }
  /** It is over: the session has ended, as that of a dead node; or the shard has lost what it had acknowledged. */
  | { readonly kind: 'over'; readonly why: 'expired' | 'state-lost' };
