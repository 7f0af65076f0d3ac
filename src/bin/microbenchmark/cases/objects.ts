import { get, put, wait } from '../../../index.ts';
import type { Case } from '../case.ts';
import { createObjectContainingRefs, doPut, doPutSmall, smallValue } from '../remotes.ts';

const GIGABYTES_OF_LARGE = 8 * 0.1;

const large = (): BigInt64Array => new BigInt64Array(100 * 1024 * 1024);

/** Ray's cases of objects. A ref that Python drops at once is disposed at once. */
export const objectCases: readonly Case[] = [
  {
    name: 'single client get calls (Plasma Store)',
    multiplier: 1,
    unit: 'calls',
    by: 'ray',
    setUp: async () => {
      const ref = put(0);
      return { operation: () => get(ref) };
    },
  },
  {
    name: 'single client put calls (Plasma Store)',
    multiplier: 1,
    unit: 'calls',
    by: 'ray',
    setUp: async () => ({
      operation: () => {
        put(0)[Symbol.dispose]();
        return undefined;
      },
    }),
  },
  {
    name: 'multi client put calls (Plasma Store)',
    multiplier: 1000,
    unit: 'calls',
    by: 'ray',
    setUp: async () => ({ operation: () => get(Array.from({ length: 10 }, () => doPutSmall.remote())) }),
  },
  {
    name: 'single client put gigabytes',
    multiplier: GIGABYTES_OF_LARGE,
    unit: 'GB',
    by: 'ray',
    setUp: async () => {
      const array = large();
      return {
        operation: () => {
          put(array)[Symbol.dispose]();
          return undefined;
        },
      };
    },
  },
  {
    name: 'single client tasks and get batch',
    multiplier: 1,
    unit: 'batches of 1000',
    by: 'ray',
    setUp: async () => ({ operation: () => get(Array.from({ length: 1000 }, () => smallValue.remote())) }),
  },
  {
    name: 'multi client put gigabytes',
    multiplier: 10 * GIGABYTES_OF_LARGE,
    unit: 'GB',
    by: 'ray',
    setUp: async () => ({ operation: () => get(Array.from({ length: 10 }, () => doPut.remote())) }),
  },
  {
    name: 'single client get object containing 10k refs',
    multiplier: 1,
    unit: 'objects',
    by: 'ray',
    setUp: async () => {
      const ref = createObjectContainingRefs.remote();
      return { operation: () => get(ref) };
    },
  },
  {
    name: 'single client wait 1k refs',
    multiplier: 1,
    unit: 'batches of 1000',
    by: 'ray',
    setUp: async () => ({
      operation: async () => {
        let pending = Array.from({ length: 1000 }, () => smallValue.remote());
        while (pending.length > 0) ({ pending } = await wait(pending));
      },
    }),
  },
];
