import { createRequire } from 'node:module';

import type { CaptureHost, captureFunction } from './functions/capture.ts';
import type { Shipped } from './functions/shipped.ts';

const require = createRequire(import.meta.url);
let capture: typeof captureFunction | undefined;

/**
 * Describes a function for its way to other threads. The part that reads source text is loaded when it is first
 * needed: most workers never capture anything, and it would cost each of them a megabyte.
 */
export function ship(source: Function, host: CaptureHost): Shipped {
  return loadCapture()(source, host);
}

/** Loads the part that reads source text. A driver does so before it starts threads, which would slow it down. */
export function loadCapture(): typeof captureFunction {
  // The path holds in dist/core as well as in dist/boot, where the bundled code lies.
  capture ??= (require('../core/functions/capture.js') as { captureFunction: typeof captureFunction }).captureFunction;
  return capture;
}
