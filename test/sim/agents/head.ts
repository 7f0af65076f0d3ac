import { authority } from '../../../src/gcs/members/authority.ts';
import type { AuthorityEffect, AuthorityEvent } from '../../../src/gcs/members/ports.ts';
import { type AuthorityState, newAuthority } from '../../../src/gcs/members/state.ts';
import { encode } from '../../../src/transport/messages/message.ts';
import { nodeFacts } from '../../../src/wire/bodies.ts';
import { type HeadMessages, headDecoder, headTable, Passed, type SchedulerMessages } from '../../../src/wire/table.ts';
import type { Input } from '../program.ts';
import type { Bug } from './bugs.ts';
import { type Client, settings } from './head-client.ts';
import { type Hears, type Io, nodeIdOf } from './io.ts';
import { type Frame, isClose } from './messages.ts';
import { Store } from './store.ts';

/** The head: the authority as it is, on channels and a disk. What `wire/serve.ts` does with frames. */
export class Head implements Hears {
  readonly authority: AuthorityState = newAuthority(settings);
  store: Store;
  readonly #io: Io;
  readonly #bug: Bug | undefined;
  readonly #clients = new Map<number, Client>();
  /** The newest channel of each node that has registered. */
  readonly #nodes = new Map<string, Client>();
  #scheduler: Client | undefined;
  #schedulerNo = 0;

  constructor(io: Io, bug: Bug | undefined) {
    this.#io = io;
    this.#bug = bug;
    this.store = new Store(io, new Map(), bug);
  }

  hear(input: Input): void {
    switch (input.on) {
      case 'start':
        this.store = new Store(this.#io, input.files, this.#bug);
        this.#tell({
          kind: 'start',
          nodes: [...this.store.nodes.values()],
          jobs: [...this.store.jobs.values()],
        });
        break;
      case 'open':
        this.#clients.set(input.channel, { channel: input.channel, node: nodeIdOf(input.peer), registered: false });
        this.#io.send(input.channel, this.store.all);
        break;
      case 'message': {
        const client = this.#clients.get(input.channel);
        if (client === undefined) break;
        if (isClose(input.message)) this.#closed(client);
        else this.#frame(client, (input.message as Frame).frame);
        break;
      }
      case 'closed': {
        const client = this.#clients.get(input.channel);
        if (client !== undefined) this.#closed(client);
        break;
      }
      case 'timer':
        this.#tell({ kind: 'tick' });
        break;
      case 'disk':
        if (input.error === undefined) this.#wrote(input.token);
        else this.#io.do({ do: 'exit', why: `its disk: ${input.error}` });
        break;
      default:
        break;
    }
  }

  #wrote(id: number): void {
    const rows = this.store.wrote(id);
    for (const { channel } of this.#clients.values()) this.#io.send(channel, rows);
    this.#tell({ kind: 'wrote', id, next: null });
  }

  #closed(client: Client): void {
    const { channel, node } = client;
    this.#clients.delete(channel);
    if (this.#nodes.get(node) === client) this.#nodes.delete(node);
    if (this.#scheduler === client) this.#scheduler = undefined;
    this.#tell({ kind: 'closed', link: channel, node });
  }

  #frame(client: Client, frame: Uint8Array): void {
    const { channel: link, node } = client;
    const { name, values } = headDecoder.decode(frame, 'dialer');
    switch (name) {
      case 'REGISTER':
        this.#tell({
          kind: 'register',
          link,
          row: { ...nodeFacts.read(values.body), nodeId: node, alive: true, cause: '' },
        });
        break;
      case 'REPORT':
        this.#tell({ kind: 'report', link, node, no: values.no });
        this.#pass(client, Passed.report, values.no, values.body);
        break;
      case 'REQUEST':
        this.#pass(client, Passed.request, 0, values.body);
        break;
      case 'JOB':
        this.#tell({ kind: 'job', link, node, ...values });
        break;
      case 'EXITED':
        this.#tell({ kind: 'exited', node: values.node, cause: values.cause, begun: undefined });
        break;
      case 'COMPLAIN':
        this.#tell({ kind: 'complain', link, node, ...values });
        break;
      case 'SCHEDULER':
        this.#serves(client, values.scheduler);
        break;
      case 'TO':
        if (this.#scheduler === client) this.#deliver(values);
        break;
      default:
        throw new Error(`${name} is said by nobody here`);
    }
  }

  /** Of two schedulers the newer one serves. */
  #serves(client: Client, scheduler: number): void {
    if (this.#scheduler !== undefined && this.#scheduler !== client) {
      this.#io.close(this.#scheduler.channel, 'replaced', 'another scheduler serves this cluster');
      this.#clients.delete(this.#scheduler.channel);
    }
    this.#scheduler = client;
    this.#schedulerNo = scheduler;
  }

  #pass({ node, registered }: Client, kind: number, no: number, body: Uint8Array): void {
    if (registered && this.#scheduler !== undefined) this.#say(this.#scheduler, 'FROM', { node, kind, no, body });
  }

  #deliver({ node, kind, body }: SchedulerMessages['TO']): void {
    const to = this.#nodes.get(node);
    if (to === undefined) return;
    if (kind === Passed.granted) this.#say(to, 'GRANTED', { body });
    else if (kind === Passed.askAll) this.#say(to, 'ASK_ALL', { scheduler: this.#schedulerNo });
    else throw new Error(`what a node said is malformed: ${new TextDecoder().decode(body)}`);
  }

  #say<K extends keyof HeadMessages>({ channel }: Client, type: K, values: HeadMessages[K]): void {
    this.#io.send(channel, { type, frame: encode(headTable[type], values) } as Frame);
  }

  #tell(event: AuthorityEvent): void {
    for (const effect of authority(this.authority, event, this.#io)) this.#do(effect);
  }

  #do(effect: AuthorityEffect): void {
    switch (effect.kind) {
      case 'write':
        this.store.write(effect);
        break;
      case 'wake':
        this.#io.at('tick', effect.at);
        break;
      case 'suspected':
        for (const client of this.#nodes.values())
          if (client.node !== effect.node) this.#say(client, 'SUSPECTED', effect);
        break;
      case 'again':
        if (this.#scheduler !== undefined) this.#say(this.#scheduler, 'AGAIN', effect);
        break;
      default: {
        const client = this.#clients.get(effect.link as number);
        if (client !== undefined) this.#answer(client, effect);
      }
    }
  }

  #answer(client: Client, effect: Exclude<AuthorityEffect, { kind: 'write' | 'wake' | 'suspected' | 'again' }>): void {
    switch (effect.kind) {
      case 'registered': {
        const before = this.#nodes.get(client.node);
        if (before !== undefined && before !== client) {
          this.#io.close(before.channel, 'replaced', 'this node has another connection');
          this.#clients.delete(before.channel);
        }
        this.#nodes.set(client.node, client);
        client.registered = true;
        this.#say(client, 'REGISTERED', { reconnectMs: settings.returnMs });
        break;
      }
      case 'reported':
        this.#say(client, 'REPORTED', effect);
        break;
      case 'job-is':
        this.#say(client, 'JOB_IS', effect);
        break;
      case 'dead':
        this.#io.close(client.channel, 'dead', effect.cause);
        this.#closed(client);
        break;
      default:
        throw new Error(`${effect.kind} was asked for by nobody`);
    }
  }
}
