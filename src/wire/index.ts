export { connectHead, type HeadOptions } from './head-link.ts';
export type * from './ports.ts';
