/**
 * A web service whose handlers use tasks, an actor and a shared object.
 *
 *     npm run example:service
 *     curl -i http://127.0.0.1:3000/items/7/similar
 */
import type { FastifyInstance } from 'fastify';
import { createApp } from './app.ts';
import { ConfigError, readConfig } from './config.ts';

/** Milliseconds that clients get to take their answers when the service stops. */
const GRACE_MS = 25_000;

function stop(app: FastifyInstance): void {
  // A client that opened a connection and sends nothing must not keep the service up.
  setTimeout(() => app.server.closeAllConnections(), GRACE_MS).unref();
  void app.close();
}

try {
  const config = readConfig(process.env);
  const app = await createApp(config);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(app));
  try {
    console.log(`listening on ${await app.listen({ host: config.host, port: config.port })}`);
  } catch (error) {
    await app.close();
    throw error;
  }
} catch (error) {
  console.error(explain(error));
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE') {
    return `${error.message}. Stop what listens there, or set PORT to another port.`;
  }
  if ('code' in error && error.code === 'EACCES') {
    return `${error.message}. Set PORT to a port that this user may have: 1024 or more.`;
  }
  if ('code' in error && (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')) {
    return `${error.message}. Set HOST to an address of this machine.`;
  }
  return error instanceof ConfigError ? error.message : (error.stack ?? error.message);
}
