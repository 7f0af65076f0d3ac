/** An operation as its client saw it. Times are numbers of order, not of a clock. */
export interface Operation<I, R> {
  readonly client: string;
  readonly key: string;
  readonly input: I;
  readonly invoked: number;
  /** `undefined`: open. It may have happened, at any time from then on, or never. */
  readonly returned: number | undefined;
  readonly result: R | undefined;
}

/** Records operations while they happen. */
export class History<I, R> {
  readonly #operations = new Map<number, { -readonly [K in keyof Operation<I, R>]: Operation<I, R>[K] }>();
  #order = 0;

  /** Gives the number by which the operation is ended. */
  invoke(client: string, key: string, input: I): number {
    const invoked = ++this.#order;
    this.#operations.set(invoked, { client, key, input, invoked, returned: undefined, result: undefined });
    return invoked;
  }

  return(number: number, result: R): void {
    const operation = this.#operations.get(number);
    if (operation?.returned !== undefined || operation === undefined)
      throw new Error(`operation ${number} is not open`);
    operation.returned = ++this.#order;
    operation.result = result;
  }

  /** The operation has certainly not happened. */
  refuse(number: number): void {
    this.#operations.delete(number);
  }

  operations(): Operation<I, R>[] {
    return [...this.#operations.values()];
  }
}
