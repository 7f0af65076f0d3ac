import { isMobulaError, type MobulaError } from '../../common/errors.ts';

/** Whether an error says that a node has other files than the program: no further attempt there helps. */
export function isRefusal(error: unknown): error is MobulaError {
  return isMobulaError(error) && error.code === 'ERR_MOBULA_FILES';
}
