import type { CaptureHost } from '../functions/capture.ts';
import { ObjectRef } from '../refs/object-ref.ts';
import { findOwn, ownModule } from './own.ts';

/** What capturing a function asks of the thread's runtime. `isPortable`: whether a value knows how to travel by itself. */
export function captureHost(
  isPortable: (value: unknown) => boolean,
  checkValue: (value: unknown, name: string) => void,
): CaptureHost {
  const isRef = (value: unknown): boolean => typeof value === 'object' && value !== null && ObjectRef.is(value);
  return { isPortable: (value) => isPortable(value) || isRef(value), checkValue, findOwn, ownModule };
}
