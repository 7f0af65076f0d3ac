import type { ResolvedTaskOptions } from '../common/options.ts';
import { status } from '../core/port/wire.ts';
import { ObjectRef, RefBlock } from '../core/refs/object-ref.ts';
import type { ThreadRuntime } from '../core/runtime.ts';
import type { Template } from '../core/submit/template.ts';
import type { Subscriber } from '../core/wait/subscriptions.ts';
import type { ImportedTemplates, PortableInfo } from './imported.ts';
import type { Peer } from './peer.ts';
import type { WireValues } from './values.ts';
import { type CodeName, writeCode, writeForget, writeTemplate } from './wire/entries.ts';

/** Code in bytes for other nodes, and the templates that it names. */
interface Written {
  readonly bytes: Uint8Array;
  readonly templates: readonly number[];
}

/** A template that other nodes are told of. */
interface Exported {
  readonly template: Template;
  readonly name: CodeName;
  readonly code: CodeName;
  /** Its code, once it was read. */
  written: Written | undefined;
  /** Called when it was read. */
  readonly waiting: (() => void)[];
}

/** Tells other nodes of the templates of this one: each node once, and with all that its code names. */
export class ExportedTemplates {
  readonly #runtime: ThreadRuntime;
  readonly #values: WireValues;
  readonly #imported: ImportedTemplates;
  readonly #jobOf: (template: Template) => string;
  readonly #exported = new Map<number, Exported>();
  readonly #byCode = new Map<CodeName, Set<Exported>>();

  constructor(
    runtime: ThreadRuntime,
    values: WireValues,
    imported: ImportedTemplates,
    jobOf: (template: Template) => string,
  ) {
    this.#runtime = runtime;
    this.#values = values;
    this.#imported = imported;
    this.#jobOf = jobOf;
  }

  /**
   * Tells `peer` of templates, before something that names them. False where their code was not read yet: nothing was told,
   * and `again` is called when it is worth another try. The caller has something that keeps the templates.
   */
  tell(peer: Peer, templates: readonly number[], again: () => void): boolean {
    if (templates.every((number) => peer.knows.has(number))) return true;
    const all = new Map<number, Exported>();
    for (const number of templates) if (!this.#collect(number, all, again)) return false;
    const news = [...all.values()].filter(({ template }) => !peer.knows.has(template.id));
    for (const { template, name, code } of news) {
      writeTemplate(peer.out, { number: template.id, name, info: this.#describe(template), code });
      peer.knows.add(template.id);
    }
    // Codes name templates, so they come after all of these.
    for (const { code, written } of news) {
      if (written === undefined || peer.knows.has(code)) continue;
      peer.knows.add(code);
      writeCode(peer.out, code, written.bytes);
    }
    return true;
  }

  /** Collects a template and all that its code names; false where some of it was not read yet. */
  #collect(number: number, all: Map<number, Exported>, again: () => void): boolean {
    if (all.has(number)) return true;
    const exported = this.#export(number);
    all.set(number, exported);
    if (exported.written === undefined) {
      exported.waiting.push(again);
      return false;
    }
    return exported.written.templates.every((each) => this.#collect(each, all, again));
  }

  #export(number: number): Exported {
    let exported = this.#exported.get(number);
    if (exported !== undefined) return exported;
    const template = this.#runtime.registry.get(number);
    const { nodeId } = this.#runtime.facts;
    const { code, life } = codeOf(template);
    const names = this.#imported.namesOf(number);
    exported = {
      template,
      name: names?.name ?? `${nodeId}.${number}`,
      code: names?.code ?? `${nodeId}/${code}.${life}`,
      written: undefined,
      waiting: [],
    };
    this.#exported.set(number, exported);
    const sharing = this.#byCode.get(exported.code) ?? new Set();
    this.#byCode.set(exported.code, sharing.add(exported));
    this.#read(exported, code);
    return exported;
  }

  #read(exported: Exported, object: number): void {
    const runtime = this.#runtime;
    const ref = ObjectRef.of(runtime.refs, new RefBlock([object], false), object);
    const reader: Subscriber = {
      wantsValue: true,
      keepsAlive: false,
      refAt: () => ref,
      settled: (_position, outcome, pos) => {
        if (outcome !== status.value) throw new Error('code has no value');
        const { bytes, templates } = this.#values.rename(pos);
        exported.written = { bytes, templates };
        for (const again of exported.waiting.splice(0)) again();
      },
      resubscribed: () => {},
      fail: () => {},
    };
    runtime.subscriptions.add(reader, 0);
    // The core has to have the subscription while something keeps the template, which holds the object.
    runtime.port.flush();
  }

  #describe(template: Template): string {
    const { info } = template;
    if (info.kind !== 'task') throw new Error('only tasks go to other nodes');
    const described: PortableInfo = {
      spec: info.spec as ResolvedTaskOptions,
      generator: info.generator,
      job: this.#jobOf(template),
    };
    return JSON.stringify(described);
  }

  /** A template has ended: nodes that know of it may forget it. */
  ended(number: number, peers: Iterable<Peer>): void {
    const exported = this.#exported.get(number);
    if (!this.#exported.delete(number) || exported === undefined) return;
    const { code } = exported;
    const sharing = this.#byCode.get(code) ?? new Set();
    sharing.delete(exported);
    if (sharing.size === 0) this.#byCode.delete(code);
    for (const peer of peers) {
      if (!peer.knows.delete(number)) continue;
      writeForget(peer.out, number);
      // The peer drops the code with the last of its templates.
      if (![...sharing].some(({ template }) => peer.knows.has(template.id))) peer.knows.delete(code);
    }
  }
}

function codeOf({ info }: Template): { readonly code: number; readonly life: number } {
  if (info.kind === 'method') throw new Error('methods have no code of their own');
  return info;
}
