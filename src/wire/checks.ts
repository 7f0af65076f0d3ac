import type { Packed } from '../transport/messages/packed.ts';

/** Whether packed values are what a message says: small checks, put together. */
export type Check = (value: Packed | undefined) => boolean;

export const isText: Check = (value) => typeof value === 'string';
export const isFlag: Check = (value) => typeof value === 'boolean';
export const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
/** A number that is not negative. */
export const isAmount: Check = (value) => isNumber(value) && (value as number) >= 0;
/** A whole number that is not negative. */
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isNode: Check = (value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value);

export const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);

export const either =
  (...checks: readonly Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));

export const is =
  (constant: string | number): Check =>
  (value) =>
    value === constant;

export const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every((item) => check(item as Packed));

/** An array of exactly these. */
export const row =
  (...checks: readonly Check[]): Check =>
  (value) =>
    Array.isArray(value) && value.length === checks.length && checks.every((check, i) => check(value[i] as Packed));

/** Names with amounts. */
export const isAmounts: Check = listOf(row(isText, isAmount));
export const isLabels: Check = listOf(row(isText, isText));
