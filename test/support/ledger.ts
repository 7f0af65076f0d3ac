import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { get, MobulaError, type ObjectRef } from 'mobula';
import { until } from './until.ts';

/** What became of the refs of a `Ledger`. */
export interface Account {
  readonly refs: number;
  /** Settled as they had to. */
  readonly right: number;
  /** Settled with another value or error. */
  readonly wrong: number;
  /** Failed although they had to give a value. */
  readonly lost: number;
  /** Not settled. */
  readonly hanging: number;
}

/** The refs that a test was given, and what must come of each: every one settles, with the right value or a typed error. */
export class Ledger {
  #refs = 0;
  #right = 0;
  #wrong = 0;
  #lost = 0;
  /** The first few things that were not as they had to be. */
  readonly problems: string[] = [];

  /** `ref` must give `expected`. */
  value<T>(ref: ObjectRef<T>, expected: T, name = `ref ${this.#refs}`): void {
    this.#follow(
      ref,
      (value) => this.#compare(name, value, expected),
      (error) => this.#lose(name, error),
    );
  }

  /** `ref` must give `expected`, or fail as `may` allows. */
  valueOr<T>(ref: ObjectRef<T>, expected: T, may: (error: MobulaError) => boolean, name = `ref ${this.#refs}`): void {
    this.#follow(
      ref,
      (value) => this.#compare(name, value, expected),
      (error) => {
        if (error instanceof MobulaError && may(error)) this.#right++;
        else this.#lose(name, error);
      },
    );
  }

  /** `ref` must fail with an error of this code. */
  failure(ref: ObjectRef<unknown>, code: string, name = `ref ${this.#refs}`): void {
    this.#follow(
      ref,
      (value) => this.#mistake(name, `gave ${String(value)} instead of failing with ${code}`),
      (error) => {
        if (error instanceof MobulaError && error.code === code) this.#right++;
        else this.#mistake(name, `failed with ${String(error)} instead of ${code}`);
      },
    );
  }

  #follow<T>(ref: ObjectRef<T>, settled: (value: T) => void, failed: (error: unknown) => void): void {
    this.#refs++;
    void get(ref).then(settled, failed);
  }

  #compare(name: string, value: unknown, expected: unknown): void {
    try {
      assert.deepEqual(value, expected);
      this.#right++;
    } catch {
      this.#mistake(name, `gave ${String(value).slice(0, 200)} instead of ${String(expected).slice(0, 200)}`);
    }
  }

  #mistake(name: string, what: string): void {
    this.#wrong++;
    this.#note(`${name} ${what}`);
  }

  #lose(name: string, error: unknown): void {
    this.#lost++;
    this.#note(`${name} is lost: ${inspect(error)}`);
  }

  #note(problem: string): void {
    if (this.problems.length < 20) this.problems.push(problem);
  }

  get account(): Account {
    const [refs, right, wrong, lost] = [this.#refs, this.#right, this.#wrong, this.#lost];
    return { refs, right, wrong, lost, hanging: refs - right - wrong - lost };
  }

  /** Waits, for `limitMs` at most, until no ref hangs. */
  async settle(limitMs = 10_000): Promise<Account> {
    const end = performance.now() + limitMs;
    await until(() => this.account.hanging === 0 || performance.now() > end, undefined, limitMs + 1000);
    return this.account;
  }

  /** As `settle`, and fails unless every ref came out as it had to. */
  async assertRight(limitMs?: number): Promise<void> {
    const { refs, right } = await this.settle(limitMs);
    assert.ok(right === refs, `${JSON.stringify(this.account)}\n${this.problems.join('\n')}`);
  }
}
