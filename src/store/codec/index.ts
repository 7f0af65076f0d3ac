export { decodeBytes, type EncodedValue, encodeToBytes } from './convenience.ts';
export { decode } from './decode.ts';
export { encode } from './encode.ts';
export { encodeArguments } from './encode-arguments.ts';
export { type DecodeHooks, type EncodeHooks, type Portable, portable, type ShapeTable } from './hooks.ts';
export { Refusal } from './refusal.ts';
export { type Carries, remainingProperties, remainsOf } from './remains.ts';
export { LocalShapeTable } from './shape-table.ts';
export { type BinaryPart, Writer } from './writer.ts';
