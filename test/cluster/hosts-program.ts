// A driver on a host of its own: says what comes of its tasks, a line each.
import { connect } from 'node:tls';
import { context, get, init, NodeDiedError, nodes, remote, shutdown } from 'mobula';
import { parseAddress } from '../../src/common/address.ts';
import { until } from '../support/until.ts';

const address = process.argv[2] ?? '';
const add = remote((a: number, b: number) => a + b);
const where = remote((_: Float64Array) => context().nodeId);
const make = remote((bytes: number) => new Uint8Array(bytes).fill(7));
const endless = remote(() => new Promise(() => {}), { maxRetries: 0 });

/** What speaks at an address, if it is TLS. */
function speaks(at: string): Promise<string> {
  const socket = connect({ ...parseAddress(at), rejectUnauthorized: false });
  return new Promise((resolve) => {
    socket.on('secureConnect', () => resolve(socket.getProtocol() ?? ''));
    socket.on('error', ({ message }) => resolve(message));
  }).then((said) => {
    socket.destroy();
    return String(said);
  });
}

await init({ address });
const alive = (): string | undefined => nodes().find(({ alive, driver }) => alive && !driver)?.nodeId;
await until(() => alive() !== undefined, undefined, 60_000);
const first = alive();
const sums = await get(Array.from({ length: 2000 }, (_, i) => add.remote(add.remote(i, i), 1)));
console.log(
  'sums',
  sums.every((sum, i) => sum === 2 * i + 1),
);
console.log('large', (await get(where.remote(new Float64Array(2 ** 20)))) === first);
const made = await get(make.remote(9 * 2 ** 20 + 1));
console.log('fetched', made.length === 9 * 2 ** 20 + 1 && made.every((byte) => byte === 7));
console.log('speaks', await speaks(address));

const lost = endless.remote();
await get(add.remote(1, 1));
console.log('waiting');
const [error] = await Promise.allSettled([get(lost)]);
console.log('lost', error.status === 'rejected' && error.reason instanceof NodeDiedError);
console.log('again', (await get(where.remote(new Float64Array(1)))) !== first);
await shutdown();
