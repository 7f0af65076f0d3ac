import { ObjectRef } from '../core/refs/object-ref.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import { marksRegistration } from '../core/submit/registration-refs.ts';
import { type Jobs, jobNumber } from './jobs.ts';
import type { Peer } from './peer.ts';
import { type Inward, readRenamed } from './values.ts';
import type { CodeName, TemplateEntry } from './wire/entries.ts';
import { malformed } from './wire/entry.ts';

/** A template of another node, as it is registered here. */
export interface Imported {
  readonly name: CodeName;
  readonly code: CodeName;
  readonly job: number;
  /** Its number here. */
  readonly number: number;
  /** Keeps it registered. */
  readonly ref: ObjectRef<unknown>;
  /** Who may still name it. */
  readonly peers: Set<Peer>;
}

/** What a template is, without what has a meaning in one node. */
export interface PortableInfo {
  readonly spec: object;
  readonly generator: boolean;
  readonly job: string;
}

/** Registers a function with options whose code is in `object`. Gives its number. */
export type Register = (ref: ObjectRef<unknown>, info: PortableInfo, object: number) => number;

/** Code of other nodes, in an object here. */
interface ImportedCode {
  readonly ref: ObjectRef<unknown>;
  isThere: boolean;
  /** Templates that have it. */
  templates: number;
}

/** Templates and code of other nodes that were registered here, once, whichever nodes have sent them. */
export class ImportedTemplates {
  readonly #runtime: ThreadRuntime;
  readonly #register: Register;
  readonly #jobs: Jobs;
  readonly #byName = new Map<CodeName, Imported>();
  readonly #byNumber = new Map<number, Imported>();
  readonly #codes = new Map<CodeName, ImportedCode>();
  /** By peer, by its number. */
  readonly #ofPeer = new Map<Peer, Map<number, Imported>>();

  constructor(runtime: ThreadRuntime, register: Register, jobs: Jobs) {
    this.#runtime = runtime;
    this.#jobs = jobs;
    this.#register = register;
  }

  /** The names of a template, and of its code, that came from another node; undefined for one of this node. */
  namesOf(number: number): { readonly name: CodeName; readonly code: CodeName } | undefined {
    return this.#byNumber.get(number);
  }

  template(peer: Peer, { number, name, info, code }: TemplateEntry): void {
    let imported = this.#byName.get(name);
    if (imported === undefined) {
      const described = JSON.parse(info) as PortableInfo;
      const job = jobNumber(described.job);
      // Nothing comes of what names it.
      if (!this.#jobs.begin(job)) return;
      const ref = this.#runtime.refs.makeSingle();
      marksRegistration(ref);
      const held = this.#code(code);
      const here = this.#register(ref, described, ObjectRef.index(held.ref));
      held.templates += 1;
      imported = { name, code, job, number: here, ref, peers: new Set() };
      this.#byName.set(name, imported);
      this.#byNumber.set(here, imported);
    }
    imported.peers.add(peer);
    this.#of(peer).set(number, imported);
  }

  #code(name: CodeName): ImportedCode {
    let code = this.#codes.get(name);
    if (code === undefined) {
      code = { ref: this.#runtime.refs.makeSingle(), isThere: false, templates: 0 };
      this.#codes.set(name, code);
    }
    return code;
  }

  /** The code of templates that came before it. */
  code(peer: Peer, name: CodeName, bytes: Uint8Array): void {
    const code = this.#codes.get(name);
    if (code === undefined || code.isThere) return;
    code.isThere = true;
    this.#runtime.putInto(ObjectRef.index(code.ref), readRenamed(bytes, this.inward(peer)), 'the function');
  }

  /** How a peer's numbers are to be read. */
  inward(peer: Peer): Inward {
    return (template) => this.find(peer, template);
  }

  /** The template that a peer has given a number. */
  find(peer: Peer, number: number): Imported {
    const imported = this.#of(peer).get(number);
    if (imported === undefined) throw malformed(`template ${number}, which was never sent`);
    return imported;
  }

  #of(peer: Peer): Map<number, Imported> {
    let all = this.#ofPeer.get(peer);
    if (all === undefined) {
      all = new Map();
      this.#ofPeer.set(peer, all);
    }
    return all;
  }

  /** A peer will not name a template again. */
  forget(peer: Peer, number: number): void {
    const all = this.#of(peer);
    const imported = all.get(number);
    if (imported === undefined) return;
    all.delete(number);
    imported.peers.delete(peer);
    if (imported.peers.size > 0) return;
    this.#byName.delete(imported.name);
    imported.ref[Symbol.dispose]();
    const code = this.#code(imported.code);
    code.templates -= 1;
    if (code.templates > 0) return;
    this.#codes.delete(imported.code);
    code.ref[Symbol.dispose]();
  }

  /** A job is over: nothing of it is named any more. */
  endJob(job: number): void {
    for (const [peer, all] of this.#ofPeer) {
      for (const [number, imported] of [...all]) if (imported.job === job) this.forget(peer, number);
    }
  }

  /** The core says that a template has ended. */
  ended(number: number): void {
    this.#byNumber.delete(number);
  }

  /** A peer is dead, and names nothing any more. */
  forgetPeer(peer: Peer): void {
    for (const number of [...this.#of(peer).keys()]) this.forget(peer, number);
    this.#ofPeer.delete(peer);
  }
}
