import { MobulaError, ObjectLostError, ObjectStoreFullError, RuntimeClosedError } from '../common/errors.ts';

/** Turns an error of the addon into the class that users know. */
export function nativeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code: unknown = Reflect.get(error, 'code');
  switch (code) {
    case 'ERR_MOBULA_OBJECT_STORE_FULL': {
      const advice = 'Let go of values that are not needed, or give init() a larger objectStoreMemory.';
      return new ObjectStoreFullError(`${error.message}. ${advice}`, { cause: error });
    }
    case 'ERR_MOBULA_OBJECT_LOST':
      return new ObjectLostError(error.message, { cause: error });
    case 'ERR_MOBULA_RUNTIME_CLOSED':
      return new RuntimeClosedError();
    case 'ERR_MOBULA_ALREADY_INITIALIZED':
      return new MobulaError(code, error.message, { cause: error });
    default:
      return error;
  }
}
