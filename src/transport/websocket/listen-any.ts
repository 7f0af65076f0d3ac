import type { Accept, Listener, Self } from '../ports.ts';
import { listen } from './listen.ts';
import type { Uws } from './uws.ts';
import { listenUws, uwsServes } from './uws-listen.ts';

/**
 * Listens with uWebSockets.js where there is one and it can, else with `ws`. It cannot off loopback. And it is not given a port that
 * was asked for by number: for a minute after its connections have ended, nobody could listen there again, as a head that restarts must.
 *
 * @throws MobulaError (`ERR_MOBULA_CONNECTION`): the port is taken, or there is no such address.
 */
export async function listenAny(
  uws: Uws | undefined,
  host: string,
  port: number,
  self: Self,
  accept: Accept,
): Promise<Listener> {
  return uws !== undefined && port === 0 && (await uwsServes(host))
    ? listenUws(uws, host, self, accept)
    : listen(host, port, self, accept);
}
