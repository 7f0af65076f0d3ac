import type { ClusterView } from '../../boot/ask-head.ts';
import { findHead } from '../../boot/home/find-head.ts';
import { home } from '../../boot/home/paths.ts';
import { readToken } from '../../transport/proof/token.ts';
import { blameFlag } from '../start/flags.ts';
import { readAddress } from '../start/values.ts';

/** Flags of the commands that ask a cluster. */
export const askFlags: {
  readonly address: { readonly type: 'string' };
  readonly json: { readonly type: 'boolean'; readonly default: false };
} = { address: { type: 'string' }, json: { type: 'boolean', default: false } };

/** The lines of `--help` for them. */
export const askUsage: string = `  --address HOST:PORT  of the head (default: MOBULA_ADDRESS, else 'auto': the one of this machine)
  --json               prints one JSON document

Exit codes: 0, 1 if it failed, 2 if the command line makes no sense, 3 if no cluster was reached.`;

/** What the cluster is, and where. */
export interface Asked extends ClusterView {
  /** Of its head. */
  readonly address: string;
}

/** Asks the cluster that the command line names, else the environment, else the one of this machine. */
export async function askCluster(flag: string | undefined): Promise<Asked> {
  const { MOBULA_ADDRESS: variable } = process.env;
  const given = (variable?.trim() ?? '') === '' ? 'auto' : String(variable);
  const wanted = blameFlag(() =>
    flag === undefined ? readAddress('MOBULA_ADDRESS', given) : readAddress('--address', flag),
  );
  const { run, token } = home();
  const address = findHead(wanted, run);
  // Its transport is loaded only now.
  const { askHead } = await import('../../boot/ask-head.ts');
  return { address, ...(await askHead(address, readToken(process.env, token))) };
}
