/** What the service is told from outside. */
export interface Config {
  readonly host: string;
  readonly port: number;
  /** Requests that may wait for workers or run; the next are pushed back. */
  readonly queueLimit: number;
}

/** A setting that makes no sense. */
export class ConfigError extends Error {}

/** Reads the environment: HOST, PORT and QUEUE_LIMIT. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  return {
    host: env['HOST'] ?? '127.0.0.1',
    port: wholeNumber('PORT', env['PORT'] ?? '3000', 0, 65_535),
    queueLimit: wholeNumber('QUEUE_LIMIT', env['QUEUE_LIMIT'] ?? '32', 1, 100_000),
  };
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new ConfigError(`${name} is ${JSON.stringify(text)}; it must be a whole number from ${min} to ${max}.`);
}
