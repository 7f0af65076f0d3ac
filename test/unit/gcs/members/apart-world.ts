import { authority } from '../../../../src/gcs/members/authority.ts';
import type { AuthorityEffect, AuthorityEvent } from '../../../../src/gcs/members/ports.ts';
import { newAuthority } from '../../../../src/gcs/members/state.ts';
import type { NodeRow } from '../../../../src/gcs/tables/members.ts';
import {
  type MemberEffect,
  type MemberEvent,
  type MemberState,
  member,
  newMember,
} from '../../../../src/wire/member.ts';
import { Random } from '../../../support/random.ts';

const settings = { nodeTimeoutMs: 6_000, suspectMs: 1_000, returnMs: 8_000 };

/** A member and its connection. */
export interface Node {
  readonly row: NodeRow;
  readonly state: MemberState;
  /** Its connection; 0: it has none. */
  link: number;
  /** Nothing overtakes on a connection. */
  toHead: number;
  toNode: number;
  /** Nodes of which it knows that they are dead. */
  readonly buried: Set<string>;
  ended: string | undefined;
}

/** Members and an authority as they are, on a network that delays and breaks. One seed, one history. */
export class Cluster {
  readonly random: Random;
  readonly nodes: Node[];
  /** What is on the head's disk. */
  readonly rows = new Map<string, NodeRow>();
  /** What happened, of what must have happened in some history. */
  readonly happened = { breaks: 0, restarts: 0 };
  now = 0;
  #head = newAuthority(settings);
  /** Which head runs: what was meant for another one is lost. */
  #life = 1;
  #lastLink = 0;
  #writtenAt = 0;
  readonly #agenda = new Map<number, (() => void)[]>();

  constructor(seed: number, rows: readonly NodeRow[]) {
    this.random = new Random(seed);
    this.nodes = rows.map((one) => ({
      row: one,
      state: newMember(),
      link: 0,
      toHead: 0,
      toNode: 0,
      buried: new Set(),
      ended: undefined,
    }));
    this.#tellHead({ kind: 'start', nodes: [], jobs: [] });
    for (const node of this.nodes) {
      this.tell(node, { kind: 'register', body: new Uint8Array() });
      this.tell(node, { kind: 'report', load: { once: new Uint8Array(), repeat: new Uint8Array() }, soon: false });
      this.#dial(node);
    }
  }

  in(ms: number, action: () => void): void {
    const at = Math.ceil(this.now + Math.max(1, ms));
    this.#agenda.set(at, [...(this.#agenda.get(at) ?? []), action]);
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 1) {
      for (const action of this.#agenda.get(this.now) ?? []) action();
      this.#agenda.delete(this.now);
    }
  }

  tell(node: Node, event: MemberEvent): void {
    if (node.ended !== undefined) return;
    for (const effect of member(node.state, event, { now: this.now, random: () => 0 })) {
      if (effect.kind === 'wake') this.in(effect.at - this.now, () => this.tell(node, { kind: 'tick' }));
      else this.#send(node, effect);
    }
  }

  #dial(node: Node): void {
    this.in(this.random.below(300), () => {
      if (node.ended !== undefined || node.link !== 0) return;
      this.#lastLink += 1;
      node.link = this.#lastLink;
      this.tell(node, { kind: 'up' });
    });
  }

  /** Breaks the connection of a node, which dials again. What is under way is lost. */
  cut(node: Node): void {
    if (node.link === 0) return;
    this.happened.breaks += 1;
    const event: AuthorityEvent = { kind: 'closed', link: node.link, node: node.row.nodeId };
    node.link = 0;
    this.#toHead(this.random.below(500), event);
    this.tell(node, { kind: 'down' });
    this.#dial(node);
  }

  /** The head is killed, and another one reads what was on the disk. */
  restart(): void {
    this.happened.restarts += 1;
    this.#life += 1;
    this.#head = newAuthority(settings);
    for (const node of this.nodes) this.cut(node);
    this.#tellHead({ kind: 'start', nodes: [...this.rows.values()], jobs: [] });
  }

  #send(node: Node, effect: MemberEffect): void {
    const { link } = node;
    const { nodeId } = node.row;
    let event: AuthorityEvent;
    if (effect.kind === 'register') event = { kind: 'register', link, row: node.row };
    else if (effect.kind === 'report') event = { kind: 'report', link, node: nodeId, no: effect.no };
    else if (effect.kind === 'complain') event = { ...effect, link, node: nodeId };
    else return;
    node.toHead = Math.max(node.toHead, this.now + this.random.below(this.random.below(20) === 0 ? 600 : 10));
    this.#toHead(node.toHead - this.now, event, () => node.link === link);
  }

  #toHead(ms: number, event: AuthorityEvent, arrives: () => boolean = () => true): void {
    const life = this.#life;
    this.in(ms, () => {
      if (life === this.#life && arrives()) this.#tellHead(event);
    });
  }

  #tellHead(event: AuthorityEvent): void {
    for (const effect of authority(this.#head, event, { now: this.now, random: () => 0 })) this.#carryOut(effect);
  }

  #carryOut(effect: AuthorityEffect): void {
    switch (effect.kind) {
      case 'wake':
        this.#toHead(effect.at - this.now, { kind: 'tick' });
        break;
      case 'write': {
        this.#writtenAt = Math.max(this.#writtenAt, this.now + this.random.below(50));
        const rows = effect.changes.flatMap((change) => (change.kind === 'node' ? [change.row] : []));
        this.#toHead(this.#writtenAt - this.now, { kind: 'wrote', id: effect.id, next: null }, () => {
          for (const one of rows) this.#written(one);
          return true;
        });
        break;
      }
      case 'registered':
        this.#toNode(effect.link, (node) => this.tell(node, { kind: 'registered', reconnectMs: 1_000 }));
        break;
      case 'reported':
        this.#toNode(effect.link, (node) => this.tell(node, { kind: 'reported', no: effect.no }));
        break;
      case 'dead':
        this.#toNode(effect.link, (node) => {
          node.ended = effect.cause;
        });
        break;
    }
  }

  #written(one: NodeRow): void {
    this.rows.set(one.nodeId, one);
    if (one.alive) return;
    for (const node of this.nodes) {
      this.in(this.random.below(100), () => {
        node.buried.add(one.nodeId);
        this.tell(node, { kind: 'buried', node: one.nodeId });
      });
    }
  }

  #toNode(link: number, hear: (node: Node) => void): void {
    const node = this.nodes.find((one) => one.link === link);
    if (node === undefined) return;
    node.toNode = Math.max(node.toNode, this.now + this.random.below(10));
    this.in(node.toNode - this.now, () => {
      if (node.link === link) hear(node);
    });
  }
}
