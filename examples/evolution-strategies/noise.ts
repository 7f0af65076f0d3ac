import { allocate, type ObjectRef, put } from 'mobula';
import { fillGaussian } from './random.ts';

/** 16 Mi numbers of 4 bytes: 64 MiB. */
const LENGTH = 16 * 1024 * 1024;

/** Fills the noise table right in the object store. Every worker reads it there: no second copy is ever made. */
export function storeNoise(seed: number): ObjectRef<Float32Array> {
  const table = allocate(Float32Array, LENGTH);
  fillGaussian(table, seed);
  return put(table);
}
