import type { BaseChannel } from '../base-channel.ts';
import type { Accept, Closed, Self } from '../ports.ts';
import { Handshake } from './handshake.ts';

interface Ends {
  /** Who a proven channel is given to. */
  readonly accept: Accept;
  /** Called before `accept`. */
  readonly proven?: () => void;
  /** The channel ended before the token was proven. */
  readonly failed: (closed: Closed) => void;
}

/** Runs the handshake on a fresh channel. No frame reaches `accept`'s handlers before the peer has proven the token. */
export function prove(channel: BaseChannel, side: 'dialer' | 'acceptor', self: Self, ends: Ends): void {
  const handshake = new Handshake(side, self, channel.address);
  let refusal: Closed | undefined;
  channel.handlers = {
    frame(bytes) {
      const outcome = handshake.receive(bytes);
      if ('refuse' in outcome) {
        refusal = { code: outcome.refuse, text: outcome.text, by: 'us' };
        channel.close(outcome.refuse, outcome.text);
        return;
      }
      if (outcome.send !== undefined) channel.send(outcome.send);
      if (outcome.proven === undefined) return;
      ends.proven?.();
      channel.handlers = ends.accept(channel, outcome.proven);
    },
    drained: () => {},
    closed: (closed) => ends.failed(refusal ?? closed),
  };
  if (side === 'acceptor') channel.send(handshake.challenge());
}
