/** The protocol that this version speaks. Every frame names it, and a peer with another one is refused. */
export const PROTOCOL = 1;

/** The longest frame. What is larger travels in the data plane. */
export const FRAME_BYTES: number = 1 << 20;

/** What a peer that does not read may cost: a channel that holds more than this ends. */
export const UNSENT_BYTES: number = 4 << 20;

/** What a frame that waits costs beside its bytes: buffers, and their places in the socket's queue. Measured with frames of 64 bytes. */
export const FRAME_COST = 400;

/** From here on `send` asks its caller to wait for `drained`. */
export const WAIT_BYTES: number = 1 << 20;

/** What may be read from a peer that has not proven the token. */
export const UNPROVEN_BYTES = 1024;

/** How long a peer may take to prove the token. */
export const UNPROVEN_MS = 5000;

/** How many peers that have not proven the token a listener keeps. One more, and the oldest of them goes. */
export const UNPROVEN_PEERS = 64;

/** How long a closing channel waits for its peer, before it goes without an answer. */
export const CLOSE_MS = 1000;
