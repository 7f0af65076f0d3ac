import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** A process, told from any that has its number later. */
export interface ProcessMark {
  readonly pid: number;
  /** Since the boot, in clock ticks. */
  readonly startTime: number;
  /** Where its number means something. A home may be shared by machines and containers. */
  readonly host: string;
  readonly boot: string;
  readonly pidNamespace: string;
}

/** `elsewhere`: it cannot be seen from here. */
export type ProcessState = 'alive' | 'dead' | 'elsewhere';

/** State and start time are the first and the 20th field after the name, which may have blanks and brackets in it. */
const STATE = 0;
const START_TIME = 19;

function stat(pid: number): { readonly state: string; readonly startTime: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[STATE] ?? '', startTime: Number(fields[START_TIME]) };
  } catch {
    return undefined;
  }
}

function here(): Pick<ProcessMark, 'host' | 'boot' | 'pidNamespace'> {
  return {
    host: hostname(),
    boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    pidNamespace: readlinkSync('/proc/self/ns/pid'),
  };
}

/** The mark of this process. */
export function ownMark(): ProcessMark {
  return { pid: process.pid, startTime: stat(process.pid)?.startTime ?? 0, ...here() };
}

export function stateOf(mark: ProcessMark): ProcessState {
  const { host, boot, pidNamespace } = here();
  if (mark.host !== host) return 'elsewhere';
  if (mark.boot !== boot) return 'dead';
  if (mark.pidNamespace !== pidNamespace) return 'elsewhere';
  const found = stat(mark.pid);
  // A zombie is dead; its parent has not looked yet.
  if (found === undefined || found.state === 'Z' || found.state === 'X') return 'dead';
  return found.startTime === mark.startTime ? 'alive' : 'dead';
}
