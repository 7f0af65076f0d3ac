export { InProcessNetwork } from './in-process.ts';
export type { Accept, Channel, CloseCode, Closed, Handlers, Listener, Peer, Self } from './ports.ts';
export { readToken } from './proof/token.ts';
export { connect } from './websocket/dial.ts';
export { listen } from './websocket/listen.ts';
export { findUws, type Uws } from './websocket/uws.ts';
export { listenUws, uwsServes } from './websocket/uws-listen.ts';
