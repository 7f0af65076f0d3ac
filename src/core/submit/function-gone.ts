import { MobulaError } from '../../common/errors.ts';

/** A remote function was called by its own code when nothing else could call it any more. */
export function functionGone(): MobulaError {
  const advice = 'Code that outlives its task may be given the function as an argument, or be a task of its own.';
  return new MobulaError(
    'ERR_MOBULA_INVALID_ARGUMENT',
    `This remote function has ended: it was called from its own code, after its last task and after everything else that could call it. ${advice}`,
  );
}
