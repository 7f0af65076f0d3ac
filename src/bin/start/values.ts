import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAddress } from '../../common/address.ts';
import { memorySize, nodeLabels } from '../../common/init-options.ts';
import { amount, badOption, customResources, whole } from '../../common/options.ts';

/** Readers of what follows a flag. Each throws a MobulaError (`ERR_MOBULA_INVALID_OPTION`) that names the flag. */
export type Reader<T> = (flag: string, text: string) => T;

const DIGITS = /^\d+(?:\.\d+)?$/;

/** A number, where the text is one; else the text, for the check that refuses it. */
function numeric(text: string): number | string {
  return DIGITS.test(text) ? Number(text) : text;
}

export const readAmount: Reader<number> = (flag, text) => amount(flag, numeric(text));
export const readPort: Reader<number> = (flag, text) => whole(flag, numeric(text), 0, 65_535);
export const readMemory: Reader<number> = (flag, text) => memorySize(flag, numeric(text));

/** Seconds, which may have a fraction, as milliseconds. */
export const readSeconds: Reader<number> = (flag, text) => {
  const seconds = numeric(text);
  if (typeof seconds === 'number' && seconds <= 1e9) return Math.round(seconds * 1000);
  throw badOption(flag, text, 'a number of seconds');
};

/** The same, but not 0. */
export const readDuration: Reader<number> = (flag, text) => {
  const ms = readSeconds(flag, text);
  if (ms > 0) return ms;
  throw badOption(flag, text, 'more than 0 seconds');
};

/** 'auto', or host and port. */
export const readAddress: Reader<string> = (flag, text) => {
  if (text === 'auto' || parseAddress(text) !== undefined) return text;
  throw badOption(flag, text, "'auto', or host and port, such as 127.0.0.1:6380");
};

export const readHost: Reader<string> = (flag, text) => {
  if (/^[^\s/[\]]+$/.test(text) && parseAddress(text) === undefined) return text;
  throw badOption(flag, text, 'a host name or an IP address, without a port');
};

/** A folder that is there, as an absolute path. */
export const readFolder: Reader<string> = (flag, text) => {
  const path = resolve(text);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw badOption(flag, text, 'a folder that is there');
};

/** `first-last`. */
export const readPorts: Reader<readonly [number, number]> = (flag, text) => {
  const match = /^(\d+)-(\d+)$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  // A node listens at two.
  if (first >= 1 && first < last && last <= 65_535) return [first, last];
  throw badOption(flag, text, 'the first and the last port of at least two, such as 7000-7099');
};

function json(flag: string, text: string, example: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // Refused below.
  }
  throw badOption(flag, text, `a JSON object, such as '${example}'`);
}

export const readResources: Reader<Record<string, number>> = (flag, text) =>
  customResources(json(flag, text, '{"ssd": 2}'));
export const readLabels: Reader<Record<string, string>> = (flag, text) => nodeLabels(json(flag, text, '{"zone": "a"}'));
