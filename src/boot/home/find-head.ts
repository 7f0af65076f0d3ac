import { parseAddress } from '../../common/address.ts';
import { MobulaError } from '../../common/errors.ts';
import { badOption } from '../../common/options.ts';
import { running } from './run-files.ts';

/**
 * The address of a head: `address` itself, or that of the only head on this machine for 'auto'.
 *
 * @throws MobulaError `ERR_MOBULA_INVALID_OPTION`: it is neither 'auto' nor host and port; `ERR_MOBULA_CONNECTION`: there is no head
 * on this machine, or several, which the message lists.
 */
export function findHead(address: string, runFolder: string): string {
  if (address !== 'auto') {
    if (parseAddress(address) === undefined) throw badOption('address', address, "'auto', or such as '127.0.0.1:6380'");
    return address;
  }
  const heads = running(runFolder).filter(({ role }) => role === 'head');
  const [head] = heads;
  if (head === undefined) {
    throw new MobulaError(
      'ERR_MOBULA_CONNECTION',
      'No head of this user runs on this machine. Start one with mobula start --head, or give the address of another one',
    );
  }
  if (heads.length === 1) return head.address;
  const list = heads.map(({ address: one, process: { pid } }) => `${one} (process ${pid})`).join(', ');
  throw new MobulaError(
    'ERR_MOBULA_CONNECTION',
    `Several heads run on this machine: ${list}. Give the address of one of them`,
  );
}
