import { malformed } from '../errors.ts';

/**
 * Looks through MessagePack without making anything of it. Throws `ERR_MOBULA_FRAME` unless it is one value whose lengths are all
 * true, no deeper than `mostDepth`, of at most `mostValues` values, and free of maps, extensions and integers of 64 bits.
 */
export function checkPacked(bytes: Uint8Array, mostDepth: number, mostValues: number): void {
  let at = 0;
  let values = 0;
  /** How many values are still to come, for each array around. */
  const open: number[] = [1];

  const length = (size: number): number => {
    if (size > bytes.length - at) throw malformed('A packed value ends too soon');
    let value = 0;
    for (let i = 0; i < size; i += 1) value = value * 256 + (bytes[at + i] as number);
    at += size;
    return value;
  };
  const skip = (count: number): void => {
    if (count > bytes.length - at) throw malformed('A packed value ends too soon');
    at += count;
  };
  const array = (count: number): void => {
    // Every item takes a byte at least.
    if (count > bytes.length - at) throw malformed('A packed array is longer than its frame');
    if (open.length > mostDepth) throw malformed(`A packed value is nested deeper than ${mostDepth}`);
    open.push(count);
  };

  while (open.length > 0) {
    const left = open.at(-1) as number;
    if (left === 0) {
      open.pop();
      continue;
    }
    open[open.length - 1] = left - 1;
    values += 1;
    if (values > mostValues) throw malformed(`A packed value has more than ${mostValues} parts`);
    const head = length(1);
    const shape = shapeOf(head);
    if (shape === undefined) throw malformed(`A packed value of kind 0x${head.toString(16)} is not allowed`);
    const { lengthBytes, fixed, items } = shape;
    const count = lengthBytes === 0 ? fixed : length(lengthBytes);
    if (items) array(count);
    else skip(count);
  }
  if (at !== bytes.length) throw malformed(`${bytes.length - at} bytes follow a packed value`);
}

interface Shape {
  /** The bytes of the length that follows the head; 0: the length is `fixed`. */
  readonly lengthBytes: number;
  readonly fixed: number;
  /** Whether the length counts items, not bytes. */
  readonly items: boolean;
}

const shape = (lengthBytes: number, fixed: number, items: boolean): Shape => ({ lengthBytes, fixed, items });

/** Heads from 0xc0 to 0xdf, as far as they are allowed. */
const longer: ReadonlyMap<number, Shape> = new Map([
  [0xc0, shape(0, 0, false)], // nil
  [0xc2, shape(0, 0, false)], // false
  [0xc3, shape(0, 0, false)], // true
  [0xc4, shape(1, 0, false)], // bin 8
  [0xc5, shape(2, 0, false)], // bin 16
  [0xc6, shape(4, 0, false)], // bin 32
  [0xca, shape(0, 4, false)], // float 32
  [0xcb, shape(0, 8, false)], // float 64
  [0xcc, shape(0, 1, false)], // uint 8
  [0xcd, shape(0, 2, false)], // uint 16
  [0xce, shape(0, 4, false)], // uint 32
  [0xd0, shape(0, 1, false)], // int 8
  [0xd1, shape(0, 2, false)], // int 16
  [0xd2, shape(0, 4, false)], // int 32
  [0xd9, shape(1, 0, false)], // str 8
  [0xda, shape(2, 0, false)], // str 16
  [0xdb, shape(4, 0, false)], // str 32
  [0xdc, shape(2, 0, true)], // array 16
  [0xdd, shape(4, 0, true)], // array 32
]);

function shapeOf(head: number): Shape | undefined {
  if (head <= 0x7f || head >= 0xe0) return shape(0, 0, false);
  if (head <= 0x8f) return undefined; // map
  if (head <= 0x9f) return shape(0, head & 0x0f, true);
  if (head <= 0xbf) return shape(0, head & 0x1f, false);
  return longer.get(head);
}
