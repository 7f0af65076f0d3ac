import { parseAddress } from '../common/address.ts';
import { MobulaError } from '../common/errors.ts';
import { connect, type Self, type SessionOwner } from '../transport/index.ts';

/** Connects to nodes, whose addresses `find` knows. */
export function dialer(self: Self, find: (node: string) => Promise<string>): SessionOwner['dial'] {
  return async (to, accept) => {
    const address = await find(to);
    const parsed = parseAddress(address);
    if (parsed === undefined) throw new MobulaError('ERR_MOBULA_CONNECTION', `Node ${to} has no address: ${address}`);
    return connect(parsed.host, parsed.port, self, accept);
  };
}
