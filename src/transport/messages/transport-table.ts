import { UNPROVEN_BYTES } from '../limits.ts';
import { fixedBytes, nodeId, rest, textUpTo, u8, u53 } from './kinds.ts';
import { Decoder, message, type Table } from './message.ts';

/** The messages of the transport itself. From number 16 on, the numbers are free for the parts above. */
export interface TransportMessages {
  /** 1 to 3 prove the token. The layout of this one is the same in all versions, so that two versions can say which they are. */
  readonly CHALLENGE: { readonly nonce: Uint8Array; readonly nodeId: string; readonly version: string };
  readonly PROOF: {
    readonly nonce: Uint8Array;
    readonly nodeId: string;
    readonly version: string;
    readonly proof: Uint8Array;
  };
  readonly WELCOME: { readonly proof: Uint8Array };
  /** 8 to 10 carry a session. The first message of each side on a channel: which session, and what has come. */
  readonly OPEN: {
    /** For whom: not for a process that took over the address of another one. */
    readonly to: string;
    /** The highest number that has come from the peer. */
    readonly received: number;
    /** The number of this channel among those that its dialer has dialed for this session; the acceptor repeats it. */
    readonly dial: number;
    /** The highest `dial` that the sender knows of the receiver. */
    readonly seen: number;
  };
  /** Message `n` of a session. `received` acknowledges, as RECEIVED does. */
  readonly NUMBERED: {
    readonly received: number;
    readonly n: number;
    /** One of `kinds` in `session/state.ts`. */
    readonly kind: number;
    readonly body: Uint8Array;
  };
  /** All messages up to and with this number have come. */
  readonly RECEIVED: { readonly received: number };
}

const unproven = { limit: UNPROVEN_BYTES };
const short = { limit: 64, repeatable: true };

export const transportTable: Table<TransportMessages> = {
  CHALLENGE: message(1, 'acceptor', { nonce: fixedBytes(32), nodeId, version: textUpTo(64) }, unproven),
  PROOF: message(
    2,
    'dialer',
    { nonce: fixedBytes(32), nodeId, version: textUpTo(64), proof: fixedBytes(32) },
    unproven,
  ),
  WELCOME: message(3, 'acceptor', { proof: fixedBytes(32) }, unproven),
  OPEN: message(8, 'both', { to: nodeId, received: u53, dial: u53, seen: u53 }, short),
  NUMBERED: message(9, 'both', { received: u53, n: u53, kind: u8, body: rest }, { repeatable: true }),
  RECEIVED: message(10, 'both', { received: u53 }, short),
};

export const transportDecoder: Decoder<TransportMessages> = new Decoder(transportTable);
