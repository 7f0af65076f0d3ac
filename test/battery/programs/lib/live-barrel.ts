export { count as total, increment, reset } from './counter.ts';
