import { isMobulaError } from '../../common/errors.ts';
import type { Accept, Listener, Self } from '../ports.ts';
import { listen } from './listen.ts';
import type { Uws } from './uws.ts';
import { listenUws, uwsServes } from './uws-listen.ts';

/**
 * Listens with uWebSockets.js where there is one and it can, else with `ws`. It cannot off loopback, and not at a port on which
 * connections have ended within the last minute, as after a restart.
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
  if (uws !== undefined && (await uwsServes(host))) {
    try {
      return await listenUws(uws, host, port, self, accept);
    } catch (error) {
      if (!isMobulaError(error)) throw error;
    }
  }
  return listen(host, port, self, accept);
}
