import { type LoadResult, sendLoad } from './load.ts';
import type { HealthReport, Service } from './service.ts';

/** Requests under way that keep the workers busy without filling the queue. */
const SATURATING = 16;
const OVERLOADING = 100;

/** What a service did at twice the load that it can carry. */
export interface Overload {
  /** Requests a second at saturation. */
  readonly capacity: number;
  readonly load: LoadResult;
  readonly seconds: number;
  /** The service's own report, after the load: the delay of its event loop is that under the load. */
  readonly health: HealthReport;
  /** Bytes in use, sampled every so often during the load. */
  readonly memory: readonly number[];
}

/** Finds out what the service can carry, then sends twice as much for so many seconds. */
export async function overload(service: Service, seconds: number): Promise<Overload> {
  const url = await service.url();
  await sendLoad(url, { connections: SATURATING, amount: 1000 });
  const { perSecond: capacity } = await sendLoad(url, { connections: SATURATING, amount: 3000 });
  const rate = Math.ceil(2 * capacity);
  const memory: number[] = [];
  await service.health();
  const sampling = setInterval(() => memory.push(service.residentBytes()), (seconds * 1000) / 60);
  try {
    const load = await sendLoad(url, { connections: OVERLOADING, amount: rate * seconds, rate });
    return { capacity, load, seconds, health: await service.health(), memory };
  } finally {
    clearInterval(sampling);
  }
}
