import { home } from '../boot/home/paths.ts';
import { running } from '../boot/home/run-files.ts';
import { starters } from '../boot/starters.ts';
import type { Plan } from '../boot/supervisor/group.ts';
import { PlanServer } from '../boot/supervisor/serve.ts';
import { asError } from '../boot/supervisor/supervised.ts';
import { isMobulaError, MobulaError } from '../common/errors.ts';
import { type Command, FailedError } from './command.ts';
import { detach } from './start/detach.ts';
import { type Flags, readFlags } from './start/flags.ts';
import { planOf } from './start/plan.ts';
import { render, startedOf } from './start/report.ts';

const usage = `usage: mobula start --head [options]
       mobula start --address HOST:PORT [options]

Starts a head, with a node beside it, or a node that joins the head at HOST:PORT ('auto': the one on this machine). It stays in
the foreground until SIGTERM or Ctrl-C, which drain: tasks under way end first. A second signal ends it at once. What dies is started again.

  --head                     the first process of a cluster
  --address HOST:PORT        of the head to join
  --bind HOST                the interface to listen at (default 127.0.0.1); 0.0.0.0 for all, with --advertise
  --advertise HOST           the host that others reach this one at (default: that of --bind)
  --num-cpus N               CPUs that tasks may hold (default: those of this machine; 0 with --head: no node beside it)
  --num-gpus N               GPUs, counted and not isolated (default 0)
  --resources JSON           custom resources, such as '{"ssd": 2}'
  --labels JSON              labels of the node, such as '{"zone": "a"}'
  --object-store-memory SIZE such as 512MiB (default: 30 % of the memory)
  --root DIR                 the application's folder: tasks import its files, and have it as working directory
                             (default: the working directory)
  --drain S                  seconds that tasks under way may take at the end (default 25)
  --detach                   returns when it is up; 'mobula stop' ends it
  --json                     prints one line of JSON when it is up

with --head:
  --port PORT                to listen at (default 6380; 0: any)
  --data-dir DIR             where the head keeps its log (default ~/.mobula/data/PORT)
  --node-timeout S           a node that is silent for so long is dead (default 5)
  --reconnect S              nodes may come back for so long after the head was started again, and try for so long to reach one
                             another (default 60)

with --address:
  --ports FIRST-LAST         to listen at, two of them (default: any)
  --head-timeout S           how long to wait for a head that went away (default 600)

The token of the cluster is MOBULA_AUTH_TOKEN, else that of ~/.mobula/auth_token, which 'start --head' makes.

Exit codes: 0, 1 if it failed, 2 if the command line makes no sense, 3 if nobody answers at the address.`;

/** Where the token is, for people. */
function tokenPlace(file: string): string {
  return (process.env['MOBULA_AUTH_TOKEN']?.trim() ?? '') === '' ? file : 'that of MOBULA_AUTH_TOKEN';
}

async function run(args: readonly string[]): Promise<number> {
  const flags = readFlags(args);
  const own = home();
  const plan = planOf(flags, { home: own, environment: process.env });
  refuseSecond(plan, own.run);
  const show = (up: Parameters<typeof startedOf>[1], pid: number, log?: string): void => {
    const started = startedOf(plan, up, pid, log);
    console.log(flags.json ? JSON.stringify(started) : render(started, tokenPlace(own.token)));
  };
  try {
    if (flags.detach) {
      const { up, pid, log } = await detach(plan, own);
      show(up, pid, log);
      return 0;
    }
    const server = new PlanServer({ plan, runFolder: own.run }, starters);
    const up = await server.up;
    show(up, process.pid);
    const failure = await server.over;
    if (failure !== undefined) throw asError(failure);
    return 0;
  } catch (error) {
    throw explain(error, flags);
  }
}

/** That a head cannot listen is no cluster that is not reached. */
function explain(error: unknown, flags: Flags): unknown {
  return flags.head && isMobulaError(error) ? new FailedError(error) : error;
}

/** Two heads of one user have two ports: 'auto' knows them by those. */
function refuseSecond({ head }: Plan, runFolder: string): void {
  if (head === undefined || head.port === 0) return;
  const other = running(runFolder).find(({ file }) => file.endsWith(`/${head.port}.json`));
  if (other === undefined) return;
  const end = other.log !== undefined ? 'mobula stop ends it' : `It is process ${other.process.pid}`;
  const text = `A head of yours is up at ${other.address} already. ${end}; or choose another port with --port`;
  throw new FailedError(new MobulaError('ERR_MOBULA_CONNECTION', text));
}

/** `mobula start`: a head or a node. */
export const start: Command = { summary: 'starts a head, or a node that joins one', usage, run };
