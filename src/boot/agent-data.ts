import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { bytesOf, type Named, nameOf, type Placed } from '../agent/data/named.ts';
import type { DataPort, Fetched, Urgency } from '../agent/data/ports.ts';
import type { Peer } from '../agent/peer.ts';
import { formatAddress, isLoopbackHost, parseAddress } from '../common/address.ts';
import { isMobulaError, MobulaError } from '../common/errors.ts';
import { printStep, printsSteps } from '../common/figure7.ts';
import { shortNode } from '../common/ids.ts';
import { clearTimeout, now, setTimeout } from '../common/timers.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { makeRoom } from '../core/values/collector.ts';
import type { NetEnd } from '../native/addon.ts';
import { nativeError } from '../native/native-error.ts';
import { asDer, identityOf } from '../transport/index.ts';
import type { AgentConfig } from './agent-messages.ts';
import { judge, type Tries } from './net-end.ts';

/** The part of the store that objects on their way may take, and that copies may take which no task needs. */
const PART = 4;
/** As the data plane has it: the lower comes first. */
const priorities: Readonly<Record<Urgency, number>> = { result: 0, argument: 1 };
/** How a fetch of what a node does not serve ends: `NetEnd.kind`. */
const UNKNOWN = 6;
const none = new Uint8Array();

/** What the data plane needs of the agent's thread. */
export interface AgentDataPorts {
  /** Where a node's data plane listens, as its row says; rejects if it does not. */
  addressOf(node: string): Promise<string>;
  /** A node cannot be reached, or does not keep to the protocol. */
  apart(node: string, why: string): void;
  /** Fetches have ended. */
  ended(): void;
}

interface Fetch {
  readonly peer: Peer;
  readonly named: Named | Placed;
  readonly urgency: Urgency;
  readonly end: (fetched: Fetched) => void;
  readonly tries: Tries;
  ticket: number | undefined;
  timer: NodeJS.Timeout | undefined;
  dropped: boolean;
}

/** The data plane of this node: `mobula-net`, with the addresses of nodes, and the repetition of what broke. */
export class AgentData implements DataPort {
  readonly #config: AgentConfig;
  readonly #runtime: ThreadRuntime;
  readonly #ports: AgentDataPorts;
  readonly #id: Uint8Array;
  readonly #fetches = new Map<number, Fetch>();
  /** Where the data planes of nodes listen, by IP address. */
  readonly #addresses = new Map<string, string>();
  readonly most: number;
  /** For how long a node may not be reached. */
  reachMs: number = Number.POSITIVE_INFINITY;

  constructor(config: AgentConfig, runtime: ThreadRuntime, ports: AgentDataPorts) {
    this.#config = config;
    this.#runtime = runtime;
    this.#ports = ports;
    this.#id = Buffer.from(config.facts.nodeId, 'hex');
    this.most = runtime.addon.storeStats(runtime.port.id).capacity / PART;
  }

  get serves(): boolean {
    return this.#config.advertise !== '';
  }

  /**
   * Begins to listen; gives what the row of this node says of it.
   *
   * @throws {MobulaError} `ERR_MOBULA_CONNECTION`: no port is free, or there is no such address
   */
  async listen(): Promise<string> {
    const { bind, advertise, ports = [0, 0] } = this.#config;
    const host = await ipOf(bind);
    const [first, last] = ports;
    for (let tcp = first; ; tcp++) {
      try {
        const chosen = this.#listen(formatAddress({ host, port: tcp }));
        return advertise === '' ? '' : formatAddress({ host: advertise, port: chosen });
      } catch (error) {
        if (tcp >= last || !isMobulaError(error) || error.code !== 'ERR_MOBULA_CONNECTION') throw error;
      }
    }
  }

  #listen(address: string): number {
    const { addon, port } = this.#runtime;
    const { bind, token, address: head } = this.#config;
    // On one machine alone nothing is encrypted.
    const isHere = isLoopbackHost(bind) && isLoopbackHost(parseAddress(head)?.host ?? '');
    const { key, certificate } = isHere ? { key: none, certificate: none } : asDer(identityOf(token));
    try {
      return addon.netListen(port.id, this.#id, address, Buffer.from(token), key, certificate, this.most, this.#take);
    } catch (error) {
      throw nativeError(error);
    }
  }

  serve(number: number, buffers: readonly number[]): void {
    this.#runtime.addon.netServe(this.#runtime.port.id, nameOf(this.#id, number), buffers);
  }

  unserve(number: number): void {
    this.#runtime.addon.netUnserve(this.#runtime.port.id, nameOf(this.#id, number));
  }

  isAlone(number: number): boolean {
    return this.#runtime.addon.netIsAlone(this.#runtime.port.id, nameOf(this.#id, number));
  }

  share(buffer: number): void {
    const { addon, port } = this.#runtime;
    // A buffer is handed over once at a time: what other values were given must be the core's before.
    port.flush();
    addon.shareBuffer(port.id, buffer);
  }

  release(buffer: number): void {
    const { addon, port } = this.#runtime;
    // As above: a value that has the same buffer may be on its way to the core.
    port.flush();
    addon.releaseBuffer(port.id, buffer);
  }

  pull(peer: Peer, named: Named | Placed, urgency: Urgency, end: (fetched: Fetched) => void): () => void {
    const tries = { got: 0, waits: 0, breaks: 0, rooms: 0 };
    const fetch: Fetch = { peer, named, urgency, end, tries, ticket: undefined, timer: undefined, dropped: false };
    this.#begin(fetch);
    return () => this.#drop(fetch);
  }

  #begin(fetch: Fetch): void {
    if (fetch.dropped || this.#runtime.closed) return;
    const address = this.#addresses.get(fetch.peer.node);
    if (address === undefined) void this.#find(fetch);
    else this.#pull(fetch, address);
  }

  async #find(fetch: Fetch): Promise<void> {
    const { node } = fetch.peer;
    try {
      const address = await ipAddress(await this.#ports.addressOf(node));
      // Dropped: the node may be dead.
      if (!fetch.dropped) this.#addresses.set(node, address);
    } catch (error) {
      if (!fetch.dropped) this.#judge(fetch, unreachable(error));
      return;
    }
    this.#begin(fetch);
  }

  #pull(fetch: Fetch, address: string): void {
    const { peer, named, urgency } = fetch;
    const { addon, port } = this.#runtime;
    const name = nameOf(peer.id, named.number);
    try {
      fetch.ticket = addon.netPull(port.id, peer.id, address, name, bytesOf(named), priorities[urgency]);
    } catch (error) {
      this.#judge(fetch, unreachable(error));
      return;
    }
    // Two fetches of one name have one ticket.
    if (this.#fetches.has(fetch.ticket)) this.#apart(fetch, `it has named buffers ${named.number} twice`);
    else this.#fetches.set(fetch.ticket, fetch);
  }

  #drop(fetch: Fetch): void {
    if (fetch.dropped) return;
    fetch.dropped = true;
    clearTimeout(fetch.timer);
    const { addon, port } = this.#runtime;
    if (fetch.ticket !== undefined) {
      this.#fetches.delete(fetch.ticket);
      addon.netCancel(port.id, fetch.ticket);
    }
    // Between two tries, what has come waits for the next one.
    addon.netForget(port.id, nameOf(fetch.peer.id, fetch.named.number));
  }

  readonly #take = (): void => {
    const { addon, port, closed } = this.#runtime;
    if (closed) return;
    for (const end of addon.netTake(port.id)) {
      const fetch = this.#fetches.get(end.ticket);
      this.#fetches.delete(end.ticket);
      if (fetch === undefined) this.#release(end);
      else this.#judge(fetch, end);
    }
    this.#ports.ended();
  };

  #judge(fetch: Fetch, end: Omit<NetEnd, 'ticket'>): void {
    const { peer, named, tries } = fetch;
    fetch.ticket = undefined;
    // It lets go of what stays there when the job of that is over.
    const isGone = end.kind === UNKNOWN && 'node' in named;
    const verdict = isGone ? ({ kind: 'lost' } as const) : judge(end, tries, now(), this.reachMs);
    switch (verdict.kind) {
      case 'here':
        if (end.lengths.join() === named.lengths.join()) {
          this.#end(fetch, { kind: 'here', buffers: end.buffers.filter((_, at) => at % 2 === 0) });
          return;
        }
        this.#release(end);
        this.#apart(fetch, 'its buffers have other lengths than it said');
        return;
      case 'again':
        // It may have moved.
        this.#addresses.delete(peer.node);
        fetch.timer = setTimeout(() => this.#begin(fetch), verdict.ms);
        return;
      case 'make-room':
        void this.#makeRoom(fetch);
        return;
      case 'apart':
        this.#apart(fetch, `large values cannot be fetched from it: ${end.text}`);
        return;
      case 'over':
        return;
      case 'no-room': {
        const advice = 'Let go of values that are not needed, or give the node a larger objectStoreMemory.';
        const text = `${bytesOf(named)} bytes of node ${peer.node} have no room on node ${this.#config.facts.nodeId}`;
        this.#end(fetch, { kind: 'no-room', text: `${text}: ${end.text}. ${advice}` });
        return;
      }
      case 'lost':
        this.#end(fetch, lost(fetch, end.text));
    }
  }

  /** The node of a fetch is of no use: one of the two has to go. */
  #apart(fetch: Fetch, why: string): void {
    this.#ports.apart(fetch.peer.node, why);
    if ('node' in fetch.named) this.#end(fetch, lost(fetch, why));
  }

  async #makeRoom(fetch: Fetch): Promise<void> {
    const { addon, port } = this.#runtime;
    await makeRoom(fetch.tries.rooms, () => addon.askToCollect(port.id));
    this.#begin(fetch);
  }

  #end(fetch: Fetch, fetched: Fetched): void {
    fetch.dropped = true;
    if (printsSteps && fetched.kind === 'here') this.#printStep(fetch);
    try {
      fetch.end(fetched);
    } catch (error) {
      this.#ports.apart(fetch.peer.node, (error as Error).message);
    }
  }

  #printStep({ peer, named, urgency }: Fetch): void {
    const what = `${bytesOf(named)} bytes came from the store of node ${shortNode(peer.node)}`;
    printStep(urgency === 'argument' ? 'replicated' : 'fetched', this.#config.facts.nodeId, what);
  }

  #release({ buffers }: Pick<NetEnd, 'buffers'>): void {
    for (let at = 0; at < buffers.length; at += 2) this.release(buffers[at] as number);
  }

  /** A node is dead: what is fetched from it was dropped. */
  dead(node: string): void {
    const { addon, port } = this.#runtime;
    this.#addresses.delete(node);
    addon.netHangUp(port.id, Buffer.from(node, 'hex'));
  }

  /** Ends all connections. */
  stop(): void {
    this.#runtime.addon.netStop(this.#runtime.port.id);
  }
}

function lost({ peer, named }: Fetch, text: string): Fetched {
  return { kind: 'lost', text: `node ${peer.node} has lost ${bytesOf(named)} bytes: ${text}` };
}

/** A fetch that did not begin. */
function unreachable(error: unknown): Omit<NetEnd, 'ticket'> {
  return { kind: 1, got: 0, text: (error as Error).message, buffers: [], lengths: [] };
}

/** An IP address for a host. */
async function ipOf(host: string): Promise<string> {
  if (isIP(host) !== 0) return host;
  return (await lookup(host)).address;
}

/** An address with the IP address of its host. */
async function ipAddress(address: string): Promise<string> {
  const parsed = parseAddress(address);
  if (parsed === undefined) throw new MobulaError('ERR_MOBULA_CONNECTION', `${address} is no address`);
  return formatAddress({ host: await ipOf(parsed.host), port: parsed.port });
}
