/** Why a channel ended. The number is the code of a WebSocket's closing frame. */
export const closeCodes = {
  /** Nothing more is to be said. */
  done: 4000,
  /** The peer broke the protocol. */
  protocol: 4001,
  /** A frame was longer than allowed. */
  'too-long': 4002,
  /** A text frame came; all frames are binary. */
  text: 4003,
  /** The peer did not read what was sent to it. */
  unread: 4004,
  /** The peer does not know the token. */
  unauthorized: 4005,
  /** The peer speaks another version of the protocol. */
  version: 4006,
  /** Too many peers had not proven the token yet. */
  crowded: 4007,
  /** The peer did not prove the token in time. */
  slow: 4008,
  /** The node is known to be dead. */
  dead: 4009,
  /** The session between the two nodes has ended. */
  ended: 4010,
  /** Another channel serves the session. */
  replaced: 4011,
  /** The listener stops. */
  stopped: 4012,
  /** The connection ended and gave no reason. No closing frame carries this one. */
  lost: 4013,
} as const;

export type CloseCode = keyof typeof closeCodes;

/** How a channel ended. */
export interface Closed {
  readonly code: CloseCode;
  /** One line for people. */
  readonly text: string;
  readonly by: 'us' | 'peer';
}

/** The process at the other end. */
export interface Peer {
  /** Eight bytes as 16 hexadecimal digits. */
  readonly nodeId: string;
  /** The version of its package. */
  readonly version: string;
}

/** What is told of a channel. Nothing is called after `closed`. */
export interface Handlers {
  /** A frame came. Its bytes are valid until the call returns: copy what is kept. */
  frame(bytes: Uint8Array): void;
  /** What was sent has left: a sender that was asked to wait may go on. */
  drained(): void;
  closed(closed: Closed): void;
}

/** Frames in both directions, whole and in order. They arrive up to a point, where the channel ends. */
export interface Channel {
  /** The other end, for messages to people: an address. */
  readonly address: string;
  /** The memory of what `send` took and the operating system has not taken yet, in bytes. */
  readonly unsent: number;
  /**
   * Sends a frame. The channel keeps the bytes: they must not change.
   *
   * False: the frame is on its way, but send no more until `drained`; on a channel that ends, the frame is dropped. A sender
   * that goes on all the same loses the channel at `UNSENT_BYTES`.
   *
   * @throws MobulaError (`ERR_MOBULA_FRAME`): the frame is longer than `FRAME_BYTES`. Nothing was sent.
   */
  send(frame: Uint8Array): boolean;
  /** Ends the channel after what was sent; no frame is received any more. Later calls do nothing. */
  close(code: CloseCode, text: string): void;
}

/** A channel whose peer has proven the token, and who that is. */
export type Accept = (channel: Channel, peer: Peer) => Handlers;

/** What a process shows of itself to its peers. */
export interface Self extends Peer {
  /** What all processes of a cluster know. It never travels. */
  readonly token: string;
}

/** Where channels are accepted. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** How many peers have connected and not proven the token yet. */
  readonly unproven: number;
  /** Accepts no more, and ends all channels that it has accepted. */
  stop(): Promise<void>;
}
