export { type CaptureHost, captureFunction } from './capture.ts';
export { type LoaderSetup, loaderSetup, registerLoader } from './loader.ts';
export { reviveFunction } from './revive.ts';
export type { AnyFunction, Shipped, ShippedFunction } from './shipped.ts';
