import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { isMobulaError } from '../../common/errors.ts';
import { otherVersion } from '../errors.ts';
import { PROTOCOL, UNPROVEN_BYTES } from '../limits.ts';
import { encode } from '../messages/message.ts';
import { transportDecoder, transportTable } from '../messages/transport-table.ts';
import type { CloseCode, Peer, Self } from '../ports.ts';

/** What is to be done after a frame. */
export type Outcome =
  | { readonly send?: Uint8Array; readonly proven?: Peer }
  | { readonly refuse: CloseCode; readonly text: string };

/**
 * Two processes prove to one another that they know the token. CHALLENGE (a nonce), PROOF (another nonce, and an HMAC over both
 * nonces, ids and versions), WELCOME (an HMAC over the same). The side that dialed proves first. The token never travels.
 */
export class Handshake {
  readonly #self: Self;
  readonly #address: string;
  readonly #side: 'dialer' | 'acceptor';
  readonly #nonce: Uint8Array = randomBytes(32);
  /** What the peer has said of itself, and its nonce. */
  #peer: (Peer & { readonly nonce: Uint8Array }) | undefined;
  #bytes = 0;

  constructor(side: 'dialer' | 'acceptor', self: Self, address: string) {
    this.#side = side;
    this.#self = self;
    this.#address = address;
  }

  /** The acceptor's first frame. */
  challenge(): Uint8Array {
    const { nodeId, version } = this.#self;
    return encode(transportTable.CHALLENGE, { nonce: this.#nonce, nodeId, version });
  }

  receive(frame: Uint8Array): Outcome {
    this.#bytes += frame.length;
    if (this.#bytes > UNPROVEN_BYTES) {
      return { refuse: 'protocol', text: `more than ${UNPROVEN_BYTES} bytes came before the token was proven` };
    }
    if (frame.length >= 2 && frame[1] !== PROTOCOL) {
      return { refuse: 'version', text: otherVersion(this.#address, frame[1] as number, versionIn(frame)) };
    }
    try {
      return this.#next(frame);
    } catch (error) {
      if (isMobulaError(error) && error.code === 'ERR_MOBULA_FRAME') return { refuse: 'protocol', text: error.message };
      throw error;
    }
  }

  #next(frame: Uint8Array): Outcome {
    const { name, values } = transportDecoder.decode(frame, this.#side === 'dialer' ? 'acceptor' : 'dialer');
    if (name === 'CHALLENGE' && this.#peer === undefined) {
      this.#peer = { ...values, nonce: new Uint8Array(values.nonce) };
      const { nodeId, version } = this.#self;
      const proof = this.#hmac('dialer');
      return { send: encode(transportTable.PROOF, { nonce: this.#nonce, nodeId, version, proof }) };
    }
    if (name === 'PROOF') {
      this.#peer = { nodeId: values.nodeId, version: values.version, nonce: new Uint8Array(values.nonce) };
      if (!timingSafeEqual(values.proof, this.#hmac('dialer'))) return this.#unauthorized();
      const proof = this.#hmac('acceptor');
      return { send: encode(transportTable.WELCOME, { proof }), proven: peerOf(this.#peer) };
    }
    if (name === 'WELCOME' && this.#peer !== undefined) {
      if (!timingSafeEqual(values.proof, this.#hmac('acceptor'))) return this.#unauthorized();
      return { proven: peerOf(this.#peer) };
    }
    return { refuse: 'protocol', text: `${name} came before the token was proven` };
  }

  #unauthorized(): Outcome {
    return { refuse: 'unauthorized', text: 'the token is not that of this cluster: see MOBULA_AUTH_TOKEN' };
  }

  /** What `prover` shows. Both sides sign the same facts, in the order of their roles, under different names. */
  #hmac(prover: 'dialer' | 'acceptor'): Uint8Array {
    const own = { ...this.#self, nonce: this.#nonce };
    const peer = this.#peer as Peer & { readonly nonce: Uint8Array };
    const [dialer, acceptor] = this.#side === 'dialer' ? [own, peer] : [peer, own];
    const hmac = createHmac('sha256', this.#self.token).update(`mobula ${PROTOCOL} ${prover}\n`);
    for (const { nonce, nodeId, version } of [dialer, acceptor]) {
      // Fixed lengths first: no two sets of facts give the same bytes.
      hmac.update(nonce).update(nodeId).update(`${version.length}\n${version}`);
    }
    return hmac.digest();
  }
}

function peerOf({ nodeId, version }: Peer): Peer {
  return { nodeId, version };
}

/** The package's version in a CHALLENGE of another protocol, if it can be read. */
function versionIn(frame: Uint8Array): string | undefined {
  try {
    const { name, values } = transportDecoder.decode(Uint8Array.from(frame).fill(PROTOCOL, 1, 2), 'acceptor');
    return name === 'CHALLENGE' && /^[\w.+-]+$/.test(values.version) ? values.version : undefined;
  } catch {
    return undefined;
  }
}
