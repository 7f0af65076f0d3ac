/** Numbers as people read them. */

const THIN = '\u202f';

/** Three digits that count, or all of a whole number: 0.0234, 2.34, 23.4, 234, 23 400. */
export function number(value) {
  if (value === undefined) return '–';
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = value >= 1000 ? Number(value.toPrecision(3)) : value;
  const [whole, fraction] = rounded.toFixed(Math.min(digits, 4)).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** A rate with its deviation, in the same steps. */
export function rate({ mean, sd }) {
  const percent = Math.round((100 * sd) / mean);
  return `${number(mean)} ± ${percent}${THIN}%`;
}

/** How many times as fast. */
export function times(ratio) {
  return ratio === undefined ? '–' : `${number(ratio)}${THIN}×`;
}
