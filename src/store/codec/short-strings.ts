/** The longest string read by `readFew`. */
export const FEW = 12;

/** The caller checks the bounds, so no byte is ever missing. */
const text = String.fromCharCode as (...codes: readonly (number | undefined)[]) => string;

/**
 * Reads up to twelve one-byte characters at `p`. Written out because a call with a fixed number of arguments
 * costs a quarter of a call into Buffer, and less than building up a string.
 */
export function readFew(b: Uint8Array, p: number, length: number): string {
  switch (length) {
    case 1:
      return text(b[p]);
    case 2:
      return text(b[p], b[p + 1]);
    case 3:
      return text(b[p], b[p + 1], b[p + 2]);
    case 4:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3]);
    case 5:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4]);
    case 6:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5]);
    case 7:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6]);
    case 8:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7]);
    case 9:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8]);
    case 10:
      return text(b[p], b[p + 1], b[p + 2], b[p + 3], b[p + 4], b[p + 5], b[p + 6], b[p + 7], b[p + 8], b[p + 9]);
    case 11:
      return text(
        b[p],
        b[p + 1],
        b[p + 2],
        b[p + 3],
        b[p + 4],
        b[p + 5],
        b[p + 6],
        b[p + 7],
        b[p + 8],
        b[p + 9],
        b[p + 10],
      );
    case 12:
      return text(
        b[p],
        b[p + 1],
        b[p + 2],
        b[p + 3],
        b[p + 4],
        b[p + 5],
        b[p + 6],
        b[p + 7],
        b[p + 8],
        b[p + 9],
        b[p + 10],
        b[p + 11],
      );
    default:
      return '';
  }
}
