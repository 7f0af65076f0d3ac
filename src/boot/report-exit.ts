import { randomBytes } from 'node:crypto';
import { parseAddress } from '../common/address.ts';
import { ControlStoreUnavailableError } from '../common/errors.ts';
import { version } from '../common/version.ts';
import { encode } from '../transport/messages/message.ts';
import { connect } from '../transport/websocket/dial.ts';
import { headDecoder, headTable } from '../wire/table.ts';

/** How a node ended, for the authority. */
export interface ExitReport {
  readonly node: string;
  readonly cause: string;
  /** The attempts that it had begun, 20 bytes each. Undefined: that is not known. */
  readonly begun: Uint8Array | undefined;
}

const none = new Uint8Array();

/**
 * Tells the head at `address` that a node is dead; resolves when that is on the disk of the head.
 *
 * @throws MobulaError as `connect` does; `ERR_MOBULA_CONTROL_STORE_UNAVAILABLE`: the head went away before it had answered.
 */
export async function reportExit(address: string, token: string, { node, cause, begun }: ExitReport): Promise<void> {
  const { host = '', port = 0 } = parseAddress(address) ?? {};
  const self = { nodeId: randomBytes(8).toString('hex'), version, token };
  await new Promise<void>((resolve, reject) => {
    connect(host, port, self, (channel) => ({
      frame: (bytes) => {
        if (headDecoder.decode(bytes, 'acceptor').name !== 'EXIT_HEARD') return;
        resolve();
        channel.close('done', 'nothing more is to be said');
      },
      drained: () => {},
      closed: ({ text }) => reject(new ControlStoreUnavailableError(`The head at ${address} went away: ${text}`)),
    })).then((channel) => {
      channel.send(encode(headTable.EXITED, { node, cause, known: begun !== undefined, begun: begun ?? none }));
    }, reject);
  });
}
