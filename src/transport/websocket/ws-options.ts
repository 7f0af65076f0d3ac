import { CLOSE_MS, FRAME_BYTES } from '../limits.ts';

/** What both sides ask of `ws`. */
export const wsOptions: {
  readonly perMessageDeflate: boolean;
  readonly maxPayload: number;
  readonly closeTimeout: number;
} = { perMessageDeflate: false, maxPayload: FRAME_BYTES, closeTimeout: CLOSE_MS };
