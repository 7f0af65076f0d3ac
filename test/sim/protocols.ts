import { agentsProtocol } from './agents/protocol.ts';
import type { Protocol } from './scenario.ts';
import { selfProtocol } from './self/protocol.ts';

/** What `npm run sim` knows. A new protocol is added here. */
export const protocols: readonly Protocol[] = [selfProtocol, agentsProtocol];
