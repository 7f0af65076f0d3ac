export type * from './ports.ts';
export { scheduler } from './scheduler.ts';
export { newScheduler, type SchedulerState } from './state.ts';
