// Source maps that say of which line something comes, not of which column, nor what it is called there: a third of the size.
const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The numbers of a segment: base 64, least digit first, bit 5 says that more follow, and bit 0 of the number is its sign. */
function decode(segment) {
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const character of segment) {
    const digit = digits.indexOf(character);
    value |= (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    numbers.push(value & 1 ? -(value >> 1) : value >> 1);
    [value, shift] = [0, 0];
  }
  return numbers;
}

function encode(numbers) {
  let text = '';
  for (const number of numbers) {
    let value = number < 0 ? (-number << 1) | 1 : number << 1;
    do {
      const digit = value & 31;
      value >>= 5;
      text += digits[value > 0 ? digit | 32 : digit];
    } while (value > 0);
  }
  return text;
}

/** `map`, the text of a source map, with one segment for each change of the line. */
export function lineMap(map) {
  const { mappings, sources } = JSON.parse(map);
  // All but the columns of the output go on from line to line.
  let [source, line] = [0, 0];
  let [lastSource, lastLine] = [0, 0];
  const lines = mappings.split(';').map((text) => {
    let [column, lastColumn] = [0, 0];
    let [writtenSource, writtenLine] = [-1, -1];
    const kept = [];
    for (const segment of text === '' ? [] : text.split(',')) {
      const [columns, sourcesOn, linesOn] = decode(segment);
      column += columns;
      if (sourcesOn === undefined) continue;
      source += sourcesOn;
      line += linesOn;
      if (source === writtenSource && line === writtenLine) continue;
      kept.push(encode([column - lastColumn, source - lastSource, line - lastLine, 0]));
      [writtenSource, writtenLine] = [source, line];
      [lastColumn, lastSource, lastLine] = [column, source, line];
    }
    return kept.join(',');
  });
  return JSON.stringify({ version: 3, sources, names: [], mappings: lines.join(';') });
}
