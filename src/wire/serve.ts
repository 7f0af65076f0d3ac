/** The head's port: which channel is whose, and what of a frame is for the shard, the authority or the scheduler. */
import { ATTEMPT_BYTES } from '../common/ids.ts';
import type { AuthoritySettings } from '../gcs/members/state.ts';
import type { Link } from '../gcs/shard/index.ts';
import { malformed } from '../transport/errors.ts';
import { encode } from '../transport/messages/message.ts';
import type { Accept, Channel, Handlers, Peer } from '../transport/ports.ts';
import { AuthorityRunner, type ToMembers } from './authority-runner.ts';
import { nodeFacts } from './bodies.ts';
import { Outbox } from './outbox.ts';
import { bufferOf } from './records.ts';
import type { ShardRunner } from './shard-runner.ts';
import { eventOf, framesOf, isForShard } from './shard-side.ts';
import { headDecoder, headTable, type MemberMessages, Passed, type SchedulerMessages } from './table.ts';

/** One process that is connected. */
interface Client {
  readonly link: Link;
  readonly node: string;
  readonly channel: Channel;
  readonly outbox: Outbox;
  /** Whether it is a node that has registered on this channel. */
  registered: boolean;
}

type ForHead = {
  [K in keyof (MemberMessages & SchedulerMessages)]: {
    readonly name: K;
    readonly values: (MemberMessages & SchedulerMessages)[K];
  };
}[keyof (MemberMessages & SchedulerMessages)];

/** What serves the channels that a head accepts. */
export class HeadServer {
  readonly #shard: ShardRunner;
  readonly #authority: AuthorityRunner;
  readonly #reconnectMs: number;
  readonly #clients = new Map<Link, Client>();
  /** The newest channel of each registered node. */
  readonly #nodes = new Map<string, Client>();
  #scheduler: Client | undefined;
  #schedulerNo = 0;

  constructor(shard: ShardRunner, settings: AuthoritySettings, failed: (error: Error) => void) {
    this.#shard = shard;
    this.#reconnectMs = settings.returnMs;
    this.#authority = new AuthorityRunner(shard, settings, (effect) => this.#say(effect), failed);
  }

  /** Reads the tables. Channels may be accepted from then on. */
  start(): Promise<void> {
    return this.#authority.start();
  }

  stop(): void {
    this.#authority.stop();
    this.#shard.stop();
  }

  readonly accept: Accept = (channel, peer) => this.#open(channel, peer);

  #open(channel: Channel, { nodeId: node }: Peer): Handlers {
    const outbox = new Outbox(channel);
    const link = this.#shard.open({
      say: (effect) => {
        for (const frame of framesOf(effect)) outbox.send(frame);
      },
      refuse: (why) => channel.close('protocol', why),
    });
    const client: Client = { link, node, channel, outbox, registered: false };
    this.#clients.set(link, client);
    return {
      frame: (bytes) => {
        const message = headDecoder.decode(bytes, 'dialer');
        if (isForShard(message)) this.#shard.tell(eventOf(message, link, node));
        else this.#heard(client, message as ForHead);
      },
      drained: () => outbox.drained(),
      closed: () => this.#closed(client),
    };
  }

  #closed(client: Client): void {
    const { link, node, outbox } = client;
    outbox.clear();
    this.#clients.delete(link);
    if (this.#nodes.get(node) === client) this.#nodes.delete(node);
    if (this.#scheduler === client) this.#scheduler = undefined;
    this.#shard.close(link);
    this.#authority.tell({ kind: 'closed', link, node });
  }

  #heard(client: Client, message: ForHead): void {
    const { link, node } = client;
    switch (message.name) {
      case 'REGISTER': {
        const row = { ...nodeFacts.read(message.values.body), nodeId: node, alive: true, cause: '' };
        this.#authority.tell({ kind: 'register', link, row });
        break;
      }
      case 'REPORT':
        this.#authority.tell({ kind: 'report', link, node, no: message.values.no });
        this.#pass(client, Passed.report, message.values.no, message.values.body);
        break;
      case 'REQUEST':
        this.#pass(client, Passed.request, 0, message.values.body);
        break;
      case 'JOB':
        this.#authority.tell({ kind: 'job', link, node, ...message.values });
        break;
      case 'END_JOB':
        this.#authority.tell({ kind: 'end-job', link, node, ...message.values });
        break;
      case 'BYE':
        this.#authority.tell({ kind: 'bye', link, node });
        break;
      case 'EXITED': {
        const { known, begun, ...exit } = message.values;
        if (begun.length % ATTEMPT_BYTES !== 0) throw malformed('A list of begun tasks has a part of a name');
        const list = known ? bufferOf(begun).toString('base64') : undefined;
        this.#authority.tell({ kind: 'exited', ...exit, begun: list });
        break;
      }
      case 'COMPLAIN':
        this.#authority.tell({ kind: 'complain', link, node, ...message.values });
        break;
      case 'SCHEDULER':
        // Of two the newer one serves: the other was given up by the supervisor.
        this.#scheduler?.channel.close('replaced', 'another scheduler serves this cluster');
        this.#scheduler = client;
        this.#schedulerNo = message.values.scheduler;
        break;
      case 'TO':
        if (this.#scheduler !== client) throw malformed('Only the scheduler speaks to nodes');
        this.#deliver(message.values);
        break;
    }
  }

  /** To the scheduler. While there is none, nothing is kept: a new one asks everybody. */
  #pass({ node, registered }: Client, kind: number, no: number, body: Uint8Array): void {
    if (!registered) return;
    this.#scheduler?.outbox.send(encode(headTable.FROM, { node, kind, no, body }));
  }

  /** From the scheduler to a node. */
  #deliver({ node, kind, body }: SchedulerMessages['TO']): void {
    const to = this.#nodes.get(node);
    if (to === undefined) return;
    if (kind === Passed.granted) to.outbox.send(encode(headTable.GRANTED, { body }));
    else if (kind === Passed.askAll) to.outbox.send(encode(headTable.ASK_ALL, { scheduler: this.#schedulerNo }));
    else if (kind === Passed.malformed) to.channel.close('protocol', new TextDecoder().decode(body).slice(0, 100));
    else throw malformed(`The scheduler passes on nothing of kind ${kind}`);
  }

  #say(effect: ToMembers): void {
    if (effect.kind === 'suspected') {
      const frame = encode(headTable.SUSPECTED, effect);
      for (const [node, { outbox }] of this.#nodes) if (node !== effect.node) outbox.send(frame);
      return;
    }
    if (effect.kind === 'again') {
      this.#scheduler?.outbox.send(encode(headTable.AGAIN, effect));
      return;
    }
    const client = this.#clients.get(effect.link);
    if (client === undefined) return;
    switch (effect.kind) {
      case 'registered': {
        const before = this.#nodes.get(client.node);
        if (before !== undefined && before !== client)
          before.channel.close('replaced', 'this node has another connection');
        this.#nodes.set(client.node, client);
        client.registered = true;
        client.outbox.send(encode(headTable.REGISTERED, { reconnectMs: this.#reconnectMs }));
        break;
      }
      case 'reported':
        client.outbox.send(encode(headTable.REPORTED, effect));
        break;
      case 'job-is':
        client.outbox.send(encode(headTable.JOB_IS, effect));
        break;
      case 'job-ended':
        client.outbox.send(encode(headTable.JOB_ENDED, effect));
        break;
      case 'bye-heard':
        client.outbox.send(encode(headTable.BYE_HEARD, {}));
        break;
      case 'dead':
        client.outbox.close('dead', effect.cause);
        break;
    }
  }
}
