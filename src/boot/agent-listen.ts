import { isMobulaError } from '../common/errors.ts';
import { type Accept, type Listener, listenAny, type Self } from '../transport/index.ts';

/**
 * Listens at a port of a range, the first that is free, or at one that the system chooses.
 *
 * @throws {MobulaError} `ERR_MOBULA_CONNECTION`: none is free, or there is no such address
 */
export async function listenInRange(
  host: string,
  ports: readonly [first: number, last: number] | undefined,
  self: Self,
  accept: Accept,
): Promise<Listener> {
  if (ports === undefined) return listenAny(undefined, host, 0, self, accept);
  const [first, last] = ports;
  for (let port = first; ; port++) {
    try {
      return await listenAny(undefined, host, port, self, accept);
    } catch (error) {
      if (port >= last || !isMobulaError(error) || error.code !== 'ERR_MOBULA_CONNECTION') throw error;
    }
  }
}
