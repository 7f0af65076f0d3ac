import type { Coverage } from './coverage.ts';
import { Disk, type DiskOperation } from './disk.ts';
import { Network } from './network.ts';
import { Process } from './process.ts';
import type { Output, Self } from './program.ts';
import { Queue } from './queue.ts';
import { Chance } from './random.ts';
import type { Host, Protocol, Scenario } from './scenario.ts';
import { show, type Trace } from './trace.ts';

/** A host, with its disk and what it runs now. */
interface Machine {
  readonly host: Host;
  readonly disk: Disk;
  process: Process | undefined;
  lives: number;
}

/** Everything of one seed: the time, the hosts with their processes and disks, and the network between them. */
export class World {
  readonly trace: Trace;
  readonly network: Network;
  readonly scenario: Scenario;
  readonly #seed: number;
  readonly #queue = new Queue();
  readonly #machines = new Map<string, Machine>();
  readonly #restarts: Chance;
  /** Microseconds since the beginning. */
  time = 0;
  steps = 0;

  constructor(protocol: Protocol, seed: number, bug: string | undefined, trace: Trace, coverage: Coverage) {
    this.#seed = seed;
    this.trace = trace;
    this.#restarts = this.chance('restarts');
    this.network = new Network(this, protocol, coverage);
    this.scenario = protocol.scenario(this, bug);
    for (const host of this.scenario.hosts) {
      const disk = new Disk(this.chance(`disk ${host.name}`));
      this.#machines.set(host.name, { host, disk, process: undefined, lives: 0 });
    }
    for (const { name } of this.scenario.hosts) this.after(0, () => this.start(name));
  }

  /** A source of chance of this seed. A name is one sequence: ask once for it, and keep it. */
  chance(name: string): Chance {
    return new Chance(this.#seed, name);
  }

  /** Runs `run` after `milliseconds` of the world's time. */
  after(milliseconds: number, run: () => void): void {
    this.#queue.put(this.time + Math.round(milliseconds * 1000), run);
  }

  /** Lets time pass until `milliseconds`, or until `enough`, which is asked after everything that happens. */
  runUntil(milliseconds: number, enough: () => boolean = () => false): void {
    let over = false;
    this.after(Math.max(0, milliseconds - this.time / 1000), () => {
      over = true;
    });
    for (let ended = false; !ended; ended = over || enough()) {
      const next = this.#queue.take();
      if (next === undefined) break;
      this.time = next.at;
      next.run();
    }
  }

  /** What a host runs; `undefined`: nothing now. */
  process(host: string): Process | undefined {
    return this.#machine(host).process;
  }

  roleOf(host: string): string {
    return this.#machine(host).host.role;
  }

  disk(host: string): Disk {
    return this.#machine(host).disk;
  }

  /** Hands what an application asks to the process of a host, if one is alive. */
  ask(host: string, what: unknown): void {
    this.process(host)?.deliver({ on: 'ask', what });
  }

  /** Starts what a host runs, as a new life, unless it is running. */
  start(host: string): void {
    const machine = this.#machine(host);
    if (machine.process !== undefined) return;
    const self: Self = { host, role: machine.host.role, id: `${host}#${++machine.lives}` };
    const process = new Process(this, self, machine.host.program.spawn(self), (from, output) =>
      this.#perform(from, output),
    );
    machine.process = process;
    process.deliver({ on: 'start', files: machine.disk.files() });
    this.network.processStarted(host);
    if (process.alive) this.scenario.started(self);
  }

  /** Ends what a host runs. Except when `killed`, its disk loses what was not synced; when `host silent`, the others notice late. */
  crash(host: string, how: 'killed' | 'power cut' | 'host silent'): boolean {
    const machine = this.#machine(host);
    const { process, disk } = machine;
    if (process === undefined) return false;
    this.trace.add(this.time, process.self.id, 'END', () => how);
    machine.process = undefined;
    process.alive = false;
    if (how === 'killed') disk.processEnded();
    else disk.powerCut();
    this.network.processEnded(process, how === 'host silent');
    this.scenario.ended(process.self);
    return true;
  }

  #machine(host: string): Machine {
    const machine = this.#machines.get(host);
    if (machine === undefined) throw new Error(`there is no host ${host}`);
    return machine;
  }

  #perform(from: Process, output: Output): void {
    switch (output.do) {
      case 'send':
        this.network.send(from, output.channel, output.message);
        break;
      case 'datagram':
        this.network.datagram(from, output.to, output.message);
        break;
      case 'dial':
        this.network.dial(from, output.to);
        break;
      case 'close':
        this.network.close(from, output.channel);
        break;
      case 'timer':
        from.startTimer(output.timer, output.after);
        break;
      case 'cancel':
        from.cancelTimer(output.timer);
        break;
      case 'tell':
        this.trace.add(this.time, from.self.id, '< tell', () => show(output.what));
        this.scenario.told(from.self, output.what);
        break;
      case 'exit':
        this.trace.add(this.time, from.self.id, '< exit', () => output.why);
        this.crash(from.self.host, 'killed');
        this.after(this.#restarts.between(1, 100), () => this.start(from.self.host));
        break;
      default:
        this.#diskOperation(from, output);
        break;
    }
  }

  #diskOperation(from: Process, operation: DiskOperation): void {
    const disk = this.disk(from.self.host);
    this.trace.add(this.time, from.self.id, `< ${operation.do}`, () => show(operation));
    if (disk.begin(operation)) this.#diskWorks(from, disk);
  }

  #diskWorks(from: Process, disk: Disk): void {
    this.after(disk.delay(), () => {
      const done = from.alive ? disk.finish() : undefined;
      if (done === undefined) return;
      if (done.more) this.#diskWorks(from, disk);
      const { token } = done.operation;
      from.deliver({ on: 'disk', token, ...(done.error === undefined ? {} : { error: done.error }) });
    });
  }
}
