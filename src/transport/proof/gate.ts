import { clearTimeout, setTimeout } from '../../common/timers.ts';
import { UNPROVEN_MS, UNPROVEN_PEERS } from '../limits.ts';
import type { CloseCode } from '../ports.ts';

/** Runs `action` in `milliseconds`, unless what it gives is called first. */
export type After = (milliseconds: number, action: () => void) => () => void;

export const realTime: After = (milliseconds, action) => {
  const timer = setTimeout(action, milliseconds);
  return () => clearTimeout(timer);
};

/** How the gate sends somebody away. */
export type Evict = (code: CloseCode, text: string) => void;

/** Someone who has come and has not proven the token. */
export interface Visitor {
  /** It has proven the token, or is gone. Repeated calls do nothing. */
  leave(): void;
}

/**
 * Who waits to prove the token: at most `UNPROVEN_PEERS`, each for at most `UNPROVEN_MS`. The oldest makes room: who knows the
 * token needs one round trip, so many who do not know it cannot keep it out.
 */
export class Gate {
  readonly #visitors = new Set<Visitor & { readonly evict: Evict }>();
  readonly #after: After;

  constructor(after: After = realTime) {
    this.#after = after;
  }

  get size(): number {
    return this.#visitors.size;
  }

  enter(evict: Evict): Visitor {
    const [oldest] = this.#visitors;
    if (oldest !== undefined && this.#visitors.size >= UNPROVEN_PEERS) {
      oldest.leave();
      oldest.evict('crowded', `${UNPROVEN_PEERS} newer connections have not proven the token either`);
    }
    const visitor = {
      evict,
      leave: () => {
        cancel();
        this.#visitors.delete(visitor);
      },
    };
    const cancel = this.#after(UNPROVEN_MS, () => {
      visitor.leave();
      evict('slow', `the token was not proven within ${UNPROVEN_MS / 1000} s`);
    });
    this.#visitors.add(visitor);
    return visitor;
  }

  /** Sends everybody away. */
  clear(): void {
    for (const visitor of this.#visitors) {
      visitor.leave();
      visitor.evict('stopped', 'the listener stops');
    }
  }
}
