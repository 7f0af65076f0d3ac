const generators = [function* () {}, async function* () {}].map((sample) => sample.constructor);

/** Whether a function is a generator, sync or async. */
export function isGenerator(code: Function): boolean {
  return generators.some((generator) => code instanceof generator);
}
