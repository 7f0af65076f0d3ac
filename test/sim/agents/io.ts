import type { Env } from '../../../src/common/step.ts';
import type { Input, Life, Message, Output, Program, Self } from '../program.ts';

/** What a process of this protocol does its work with, for as long as one step lasts. */
export class Io implements Env {
  now = 0;
  random: () => number = () => 0;
  #outputs: Output[] = [];
  readonly #timers = new Map<string, number>();

  do(output: Output): void {
    this.#outputs.push(output);
  }

  send(channel: number, message: Message): void {
    this.do({ do: 'send', channel, message });
  }

  /** Ends a channel, and says why. */
  close(channel: number, code: string, text: string): void {
    this.send(channel, { type: 'CLOSE', code, text } as Message);
    this.do({ do: 'close', channel });
  }

  /** `timer` fires at that time of this process's clock, or before. */
  at(timer: string, time: number): void {
    if (time >= (this.#timers.get(timer) ?? Number.POSITIVE_INFINITY)) return;
    this.#timers.set(timer, time);
    this.do({ do: 'timer', timer, after: Math.max(0, time - this.now) });
  }

  fired(timer: string): void {
    this.#timers.delete(timer);
  }

  take(): readonly Output[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }
}

/** A part that hears what a process is told. */
export interface Hears {
  hear(input: Input): void;
}

/** A program whose lives are objects. */
export function livesOf(begin: (self: Self, io: Io) => Hears): Program {
  return {
    spawn(self): Life {
      const io = new Io();
      const state = begin(self, io);
      return {
        state,
        step(input, env) {
          io.now = env.now;
          io.random = () => env.random();
          if (input.on === 'timer') io.fired(input.timer);
          state.hear(input);
          return io.take();
        },
      };
    },
  };
}

/** The NodeId of a life: ids in no order, as which of two is lower matters. */
export function nodeIdOf({ host, id }: Self): string {
  const [, life = '0'] = id.split('#');
  let hash = 0x811c9dc5;
  for (const letter of id) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  const of = [...host].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) & 0xffff, 7);
  const hex = (value: number, digits: number): string => (value >>> 0).toString(16).padStart(digits, '0');
  return hex(hash, 8) + hex(of, 4) + hex(Number(life), 4);
}
