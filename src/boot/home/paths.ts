import { homedir } from 'node:os';
import { join } from 'node:path';

/** What mobula keeps in the user's home. Only the command writes there. */
export interface Home {
  /** The token of the user's clusters. */
  readonly token: string;
  /** A file for each head and detached node of this machine. */
  readonly run: string;
  readonly logs: string;
  /** Data directories of heads, by port. */
  readonly data: string;
}

/** The files of the user who runs this process. */
export function home(): Home {
  const folder = join(homedir(), '.mobula');
  return {
    token: join(folder, 'auth_token'),
    run: join(folder, 'run'),
    logs: join(folder, 'logs'),
    data: join(folder, 'data'),
  };
}
