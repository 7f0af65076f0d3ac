import { Answers } from '../../../src/agent/answers.ts';
import type { Commands } from '../../../src/agent/commands.ts';
import type { Serving } from '../../../src/agent/data/serving.ts';
import type { ImportedTemplates } from '../../../src/agent/imported.ts';
import type { Peer } from '../../../src/agent/peer.ts';
import { Places } from '../../../src/agent/places.ts';
import type { Granted, NodeId } from '../../../src/agent/ports.ts';
import { Sending } from '../../../src/agent/sending.ts';
import { failureOf } from '../../../src/agent/submitter/failure.ts';
import { newSubmitter, type SubmitterEffect, type SubmitterEvent } from '../../../src/agent/submitter/state.ts';
import { submitterStep } from '../../../src/agent/submitter/step.ts';
import {
  type AnswerHead,
  answer,
  entry as kinds,
  readAnswerHead,
  writeAttempt,
} from '../../../src/agent/wire/entries.ts';
import type { EntryReader } from '../../../src/agent/wire/entry.ts';
import { jobName } from '../../../src/common/ids.ts';
import { outcome, status } from '../../../src/core/port/wire.ts';
import type { ThreadRuntime } from '../../../src/core/runtime.ts';
import { encodeFailure, failure } from '../../../src/core/values/failures.ts';
import type { AgentPorts } from './agent.ts';
import { auditAnswer, auditFollower, auditSent, auditSubmitter } from './audit.ts';
import type { Bug } from './bugs.ts';
import { Core, type CoreNews } from './core.ts';
import type { Task } from './core-task.ts';
import type { Data } from './data.ts';
import { Exported, type Inbox, readFetched, readValue, takeUnbuffered } from './doubles.ts';
import type { Io } from './io.ts';
import { outgoingOf } from './outgoing.ts';
import { Reading } from './reading.ts';
import type { Spec } from './work.ts';

type Handed = Extract<CoreNews, { kind: 'task' }>;

/** The submitting half of an agent: the step as it is, between its core and the nodes. */
export class Submitting {
  readonly state = newSubmitter();
  readonly core: Core;
  readonly exported: Exported;
  readonly places: Places;
  readonly reading: Reading;
  readonly #io: Io;
  readonly #bug: Bug | undefined;
  readonly #inbox: Inbox;
  readonly #ports: AgentPorts;
  readonly #peer: (node: NodeId) => Peer;
  readonly #sending: Sending;
  readonly #tasks = new Map<string, Task>();
  #handed: Handed | undefined;
  readonly #answers: Answers;
  #opened = false;

  constructor(
    io: Io,
    bug: Bug | undefined,
    inbox: Inbox,
    ports: AgentPorts,
    data: Data,
    serving: Serving,
    peer: (node: NodeId) => Peer,
  ) {
    this.#io = io;
    this.#bug = bug;
    this.#inbox = inbox;
    this.#ports = ports;
    this.#peer = peer;
    this.exported = new Exported(io);
    const values = inbox.port;
    const commands = this.#commands(data);
    const peerOf = (node: NodeId): Peer | undefined => (this.state.dead.has(node) ? undefined : peer(node));
    this.places = new Places({ commands, data, peer: peerOf });
    const runtime = { values } as unknown as ThreadRuntime;
    this.#sending = new Sending(runtime, values, this.exported.port, serving, this.places);
    this.#answers = new Answers({
      commands,
      places: this.places,
      imported: { inward: () => undefined } as unknown as ImportedTemplates,
      data,
      submitter: this.state,
      complete: (of, head) => this.#count(of, head),
      misbehaved: (of, error) => ports.misbehaved(of.node, error),
    });
    this.core = new Core(
      (task) => this.reading.settled(task),
      (number) => this.places.nodeOf(number),
      bug,
    );
    this.reading = new Reading(io, this.core, ports);
  }

  /** The driver's program calls a function. */
  submit(spec: Spec): void {
    const { template, demand, strategy, infeasibleAfterMs } = spec;
    const job = jobName(this.exported.job);
    const ask = JSON.stringify({ job, fn: `f${template % 3}`, priority: 0, demand, strategy, infeasibleAfterMs });
    const deps = spec.deps.map(([task, result]) => {
      const ref = this.#tasks.get(task)?.refs[result];
      if (ref === undefined) throw new Error(`${spec.task} needs ${task}, which was not submitted`);
      return ref;
    });
    const task = this.core.submit(spec, ask, deps);
    this.#tasks.set(spec.task, task);
    this.reading.submitted(task);
  }

  cancel(name: string, force: boolean): void {
    const task = this.#tasks.get(name);
    if (task !== undefined) this.core.cancel(task, force);
  }

  /** Reads what the core says, and settles. True if there may be more. */
  look(): boolean {
    const news = this.core.news();
    for (const each of news) this.#hear(each);
    this.#opened = false;
    this.step({ kind: 'settle' });
    for (const line of this.state.lines.values()) {
      if (this.#bug === 'line closed with tasks out' && line.waiting === 0) this.core.lines.close(line.number);
    }
    return this.#opened || news.length > 0;
  }

  #hear(news: CoreNews): void {
    if (news.kind === 'line') this.step(news);
    else if (news.kind === 'stop') this.step({ ...news, recursive: false });
    else if (news.kind === 'need') this.places.need(news.place, news.object);
    else if (news.kind === 'drop') {
      if (this.#bug !== 'results that stay never dropped') this.places.drop(news.place);
    } else {
      const { task, missing, placed } = news;
      const { index, generation, tries: attempt, ask } = task;
      this.#handed = news;
      const makers = missing.map(({ maker: { index, generation } }) => {
        return { index, generation, attempt: this.state.flights.get(index)?.attempt ?? 0 };
      });
      const mayRepeat = task.spec.maxRetries > 0;
      const of = { index, generation, attempt, mayRepeat, tooLarge: false };
      const lacks = !this.places.haveAll(placed.values());
      this.step(
        missing.length > 0 ? { kind: 'follower', ...of, ask, makers } : { kind: 'task', ...of, line: news.line, lacks },
      );
      this.#handed = undefined;
    }
  }

  granted(word: Granted): void {
    const { dead } = this.state;
    const planted = this.#bug === 'grant of a dead node used' && word.kind === 'grant' && dead.delete(word.node);
    this.step({ kind: 'granted', word });
    if (planted) dead.add(word.node);
  }

  /** A node says what became of a task. */
  answer(peer: Peer, entry: EntryReader, named: boolean): void {
    if (named && this.#bug === 'results let go before they were fetched') {
      writeAttempt(peer.out, kinds.fetched, readAnswerHead(entry.keep()));
    }
    this.#answers.take(peer, entry, named);
  }

  /** A node is dead. */
  forgetPeer(peer: Peer): void {
    this.#answers.forgetPeer(peer);
    this.places.forgetPeer(peer);
  }

  /** A node leaves. */
  leaving(peer: Peer): void {
    peer.leaves = true;
    this.step({ kind: 'leaving', node: peer.node });
    this.places.bringAll(peer);
  }

  #count({ node }: Peer, head: AnswerHead): void {
    const { index, generation, attempt, what } = head;
    const hasBegun = what < answer.unbegun;
    const flight = this.state.flights.get(index);
    const effects = submitterStep(this.state, { kind: 'answer', node, index, generation, attempt, hasBegun }, this.#io);
    if (effects.length > 0) auditAnswer(node, head, flight, this.state.dead);
    for (const effect of effects) this.#do(effect);
    const window = flight?.line?.windows.get(flight.node);
    if (effects.length > 0 && window !== undefined && this.#bug === 'window counted down twice') window.out -= 1;
  }

  step(event: SubmitterEvent): void {
    for (const effect of submitterStep(this.state, event, this.#io)) this.#do(effect);
  }

  audit(): void {
    auditSubmitter(this.state);
  }

  #do(effect: SubmitterEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#send(effect.node);
        break;
      case 'give-back':
        this.#sending.landed(effect.index, this.#io.now);
        this.core.result(effect.index, outcome.unbegun, []);
        break;
      case 'fail': {
        const bytes = failureOf(effect.why, effect.ask, this.#handed?.task.tries ?? 1);
        this.core.result(effect.index, outcome.failed, [bytes]);
        break;
      }
      case 'end':
        this.#sending.landed(effect.index, this.#io.now);
        this.#answers.end(effect.index, '', false);
        break;
      case 'lost':
        this.#sending.landed(effect.index, this.#io.now);
        this.#lost(effect.index, effect.attempt);
        break;
      case 'cancel': {
        const peer = this.#peer(effect.node);
        const template = this.core.at(effect.index)?.spec.template ?? 0;
        if (this.#bug === 'cancel lost behind a held run' && !peer.knows.has(template)) break;
        this.#sending.cancel(peer, effect);
        break;
      }
      case 'recall':
        writeAttempt(this.#peer(effect.node).out, kinds.recall, effect);
        break;
      case 'open':
        this.core.open(effect.line, effect.window);
        this.#opened = true;
        break;
      case 'close':
        this.core.lines.close(effect.line);
        this.#opened = true;
        break;
      case 'request':
        this.#ports.request(effect.wanted);
        break;
      case 'wake':
        this.#io.at('pump', effect.at);
        break;
    }
  }

  #send(granted: NodeId): void {
    const { task, missing, placed, values } = this.#handed as Handed;
    const { index, generation, tries: attempt } = task;
    const { flights } = this.state;
    const others = [...flights.values()].map((flight) => flight.node).filter((other) => other !== granted);
    const planted = this.#bug === 'follower sent to another node' && missing.length > 0;
    const node = planted ? (others[0] ?? granted) : granted;
    auditSent(task, missing, node, this.state);
    const flight = flights.get(index);
    // Both halves keep that order: planted, none does.
    if (this.#bug === 'answer before its maker' && flight !== undefined) {
      flights.set(index, { ...flight, makers: undefined });
    }
    const outgoing = outgoingOf(task, { missing, placed, values }, flights, this.exported.job, this.#inbox);
    this.#sending.send(this.#peer(node), outgoing, () => {
      const flight = flights.get(index);
      return flight?.generation === generation && flight.attempt === attempt;
    });
  }

  /** What is told the core of answers. */
  #commands(data: Data): Commands {
    const away = (): Core['away'] => this.core.away;
    const commands: Pick<Commands, 'fail' | 'result' | 'stays' | 'here' | 'failHere' | 'lostHere' | 'lose' | 'bring'> =
      {
        stays: (index, count, from, _inward, add) => {
          const values = Array.from({ length: count }, () => {
            const value = takeUnbuffered(from);
            return value === undefined ? readValue(from, undefined, data) : add(value);
          });
          from.end();
          this.core.result(index, outcome.stays, values);
        },
        here: (object, value, buffers) => {
          const bytes = readFetched(value.named, buffers, data);
          away().here(object, { status: status.value, bytes });
        },
        failHere: (object, bytes) => away().here(object, { status: status.systemError, bytes }),
        lostHere: (object) => away().here(object, undefined),
        lose: (place) => away().lose(place),
        bring: (place) => away().bring(place),
        fail: (index, kind, bytes) => this.core.result(index, kind, [bytes]),
        result: (index, kind, count, from, _inward, buffersOf) => {
          const values = Array.from({ length: count }, () => readValue(from, buffersOf, data));
          from.end();
          const task = this.core.at(index);
          if (kind === outcome.ok) auditFollower(task);
          if (this.#bug === 'answer settles a task that was cancelled' && task?.state === 'settled')
            task.state = 'taken';
          this.core.result(index, kind, values);
        },
      };
    return commands as Commands;
  }

  #lost(index: number, attempt: number): void {
    const bytes = encodeFailure(failure.nodeDied, attempt, '', '');
    const task = this.core.at(index);
    this.core.result(index, outcome.lost, [bytes]);
    if (this.#bug === 'lost attempt repeated twice') this.core.result(index, outcome.lost, [bytes]);
    if (this.#bug === 'attempt lost with its node is free' && task?.state === 'ready') task.tries -= 1;
  }
}
