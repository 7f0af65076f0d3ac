export { InProcessNetwork } from './in-process.ts';
export type { Accept, Channel, CloseCode, Closed, Handlers, Listener, Peer, Self } from './ports.ts';
export { asDer, identityOf } from './proof/certificate.ts';
export { readToken } from './proof/token.ts';
export type { Sent, SessionOwner } from './session/runner.ts';
export { SessionRunner } from './session/runner.ts';
export { connect } from './websocket/dial.ts';
export { listenAny } from './websocket/listen-any.ts';
export { findUws, type Uws } from './websocket/uws.ts';
