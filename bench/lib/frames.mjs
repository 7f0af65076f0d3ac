/** The parts that most cases share: what a program measures, and the one run of a case that compares nothing. */

/** A measure of which less is better: its key in what the program prints, and its heading. */
export const low = (key, name) => ({ key, name, better: 'low' });

/** A measure of which more is better. */
export const high = (key, name) => ({ key, name, better: 'high' });

/** The runs of a case that runs one program of mobula's, in one way. */
export const mobulaOnly = (program, parameters, flags) => [
  { label: 'mobula', program, parameters, ...(flags === undefined ? {} : { flags }) },
];
