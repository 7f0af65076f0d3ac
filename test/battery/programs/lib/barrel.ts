export * from './geometry.ts';
export * as text from './text.ts';
export { arrow, default as shout, join as glue } from './text.ts';
