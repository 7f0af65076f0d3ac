/** A variable of `process.env`, set for a while. */
export class Environment {
  readonly #name: string;
  readonly #value: string;
  readonly #before: string | undefined;

  constructor(name: string, value: string) {
    this.#name = name;
    this.#value = value;
    this.#before = process.env[name];
    process.env[name] = value;
  }

  /** Puts back what was there before, unless somebody has set it since. */
  restore(): void {
    if (process.env[this.#name] !== this.#value) return;
    if (this.#before === undefined) delete process.env[this.#name];
    else process.env[this.#name] = this.#before;
  }
}
