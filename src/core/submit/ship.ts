import { createRequire } from 'node:module';
import { CaptureError, isMobulaError } from '../../common/errors.ts';
import type { CaptureHost, captureFunction, functionFields } from '../functions/capture.ts';
import type { Shipped } from '../functions/shipped.ts';

const require = createRequire(import.meta.url);
interface Capture {
  readonly captureFunction: typeof captureFunction;
  readonly functionFields: typeof functionFields;
}

let capture: Capture | undefined;

/**
 * Describes a function for its way to other threads. The part that reads source text is loaded when it is first
 * needed: most workers never capture anything, and it would cost each of them a megabyte.
 */
export function ship(source: Function, host: CaptureHost): Shipped {
  try {
    return loadCapture().captureFunction(source, host);
  } catch (error) {
    throw ownError(error);
  }
}

/** Gives an error of the copy for Jest the class that this copy exports. */
function ownError(error: unknown): unknown {
  if (!isMobulaError(error) || error.code !== 'ERR_MOBULA_CAPTURE' || error instanceof CaptureError) return error;
  const { variable } = error as CaptureError;
  return new CaptureError(error.message, { cause: error.cause, ...(variable === undefined ? {} : { variable }) });
}

/** Loads the part that reads source text. A driver does so before it starts threads, which would slow it down. */
export function loadCapture(): Capture {
  capture ??= required();
  return capture;
}

function required(): Capture {
  // The paths hold in dist/core as well as in dist/boot, where the bundled code lies.
  try {
    return require('../core/functions/capture.js') as Capture;
  } catch (error) {
    // Jest's own `require` knows ES modules on Node 24.9 and later only. This copy shares no state with the rest of mobula, and a driver needs none.
    if (!Reflect.has(import.meta, 'jest')) throw error;
    return require('../core/functions/capture.cjs') as Capture;
  }
}
