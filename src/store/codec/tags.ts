/**
 * The first byte of every encoded value. docs/value-format.md is the table these constants follow.
 * Bytes below `ARRAY_SHORT` are the integers 0..127, bytes from `NEGATIVE_INT` on the integers -32..-1.
 */
export const ARRAY_SHORT = 0x80;
export const STRING_SHORT = 0x90;
export const UNDEFINED = 0xb0;
export const NULL = 0xb1;
export const FALSE = 0xb2;
export const TRUE = 0xb3;
export const INT16 = 0xb4;
export const INT32 = 0xb5;
export const FLOAT64 = 0xb6;
export const BIGINT = 0xb7;
export const LATIN1 = 0xb8;
export const UTF16 = 0xb9;
export const ARRAY = 0xba;
export const ARRAY_WITH_KEYS = 0xbb;
export const HOLES = 0xbc;
export const NUMBERS = 0xbd;
export const OBJECT_SHAPE = 0xbe;
export const OBJECT_INLINE = 0xbf;
export const MAP = 0xc0;
export const SET = 0xc1;
export const END = 0xc2;
export const DATE = 0xc3;
export const REGEXP = 0xc4;
export const BOXED = 0xc5;
export const ERROR = 0xc6;
export const DOM_EXCEPTION = 0xc7;
export const BUFFER = 0xc8;
export const VIEW = 0xc9;
export const REF = 0xca;
export const PORTABLE = 0xcb;
export const BACK_REFERENCE = 0xcc;
export const ROOT = 0xcd;
export const ROOT_SHARED = 0xce;
export const SYMBOL = 0xcf;
export const LOCAL = 0xd0;
export const NEGATIVE_INT = 0xe0;

/** An array of fewer elements than this has its length in the tag. */
export const SHORT_ARRAY_LENGTHS = 16;
/** A one-byte string of fewer characters than this has its length in the tag. */
export const SHORT_STRING_LENGTHS = 32;

/** The class of a DOMException that is none of its own: `QuotaExceededError`, where Node has it. */
export const DOM_QUOTA = 1;

/** Added to the class of a view that follows the length of its resizable buffer: it has no length of its own. */
export const TRACKS_LENGTH = 0x80;

/** What an entry of the table of binary parts holds. */
export const PART_INLINE = 0;
export const PART_OUT_OF_BAND = 1;
export const PART_SHARED = 2;
export const PART_RESIZABLE = 3;

/**
 * How many containers may be nested. Both directions recurse, and what was encoded has to be decoded in any thread:
 * the 984 KiB stack of a main thread overflows at some 1,700 levels (of errors, the hungriest) while the code is interpreted.
 */
export const MAX_DEPTH = 1000;
