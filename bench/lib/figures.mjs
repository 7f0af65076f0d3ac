/** A figure is what a case is judged by: a value, and the bound it should keep to. */

/** The value should not be below the bound. */
export function atLeast(bound, what, value, unit = '×') {
  return { what, value, unit, bound, target: `≥ ${bound} ${unit}`, met: value >= bound };
}

/** The value should not be above the bound. */
export function atMost(bound, what, value, unit = '×') {
  return { what, value, unit, bound, target: `≤ ${bound} ${unit}`, met: value <= bound };
}

/** A value worth knowing that nothing is asked of. */
export function note(what, value, unit = '×') {
  return { what, value, unit, bound: undefined, target: '', met: undefined };
}
