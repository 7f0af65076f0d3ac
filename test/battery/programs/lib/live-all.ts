// Live bindings of other modules, passed on.
export * from './counter.ts';
export { total } from './live-barrel.ts';
