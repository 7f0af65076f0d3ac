import type { Amounts, JobId, NodeId, Report } from '../../../src/scheduler/ports.ts';

/** An executor: what its own tasks hold, and what it reports. */
export class ModelNode {
  readonly id: NodeId;
  readonly total: Amounts;
  own: Record<string, number> = {};
  queue = 0;
  meanMs = 1;
  means: [string, number][] = [];
  lent: [string, number][] = [];
  bytesPerMs = 0;
  onlyJob: JobId | null = null;
  draining = false;
  no = 0;

  constructor(id: NodeId, total: Amounts) {
    this.id = id;
    this.total = total;
  }

  report(): Report {
    const available = Object.fromEntries(
      Object.entries(this.total).map(([name, amount]) => [name, amount - (this.own[name] ?? 0)]),
    );
    const { id, total, queue, meanMs, means, bytesPerMs, onlyJob, draining } = this;
    this.no += 1;
    return {
      kind: 'report',
      node: id,
      no: this.no,
      total,
      available,
      lent: this.lent,
      queue,
      meanMs,
      means,
      bytesPerMs,
      onlyJob,
      draining,
    };
  }
}
