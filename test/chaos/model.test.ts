import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { type ActorHandle, cancel, get, kill, MobulaError, type ObjectRef, put, remote } from 'mobula';
import { assertQuiet, suite } from '../support/suite.ts';
import { Workers } from '../support/workers.ts';

// The runtime against a model: whatever is submitted, cancelled, released and killed in whatever order, every ref settles
// with what the model foresees.
const workers = new Workers();
suite();

class CellClass {
  #sum = 0;
  add(n: number): number {
    this.#sum += n;
    return this.#sum;
  }
}
const Cell = remote(CellClass);
const add = remote((a: number, b: number) => a + b).options({ maxRetries: -1 });
const later = remote(
  async (n: number, ms: number) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return n;
  },
  { numCpus: 0.1, maxRetries: -1 },
);
const fails = remote((n: number): number => {
  throw new RangeError(`failed ${n}`);
});
const dies = remote((): number => process.exit(5), { maxRetries: 1 });

/** A ref, and what may come of it: a value, or errors by their codes. */
interface Foreseen {
  readonly ref: ObjectRef<number>;
  readonly value: number | undefined;
  readonly codes: Set<string>;
  /** Whether it is a call on an actor. */
  readonly call: boolean;
  released: boolean;
}

class Model {
  readonly refs: Foreseen[] = [];
  actor: { readonly handle: ActorHandle<typeof CellClass>; sum: number; readonly codes: Set<string> } | undefined;

  expect(ref: ObjectRef<number>, value: number | undefined, codes: Iterable<string> = [], call = false): void {
    this.refs.push({ ref, value, codes: new Set(codes), call, released: false });
  }

  /** One of the refs that are not released. */
  pick(index: number): Foreseen | undefined {
    const held = this.refs.filter(({ released }) => !released);
    return held[index % Math.max(1, held.length)];
  }
}

type Step = (model: Model) => void | Promise<void>;

const number = fc.integer({ min: -1000, max: 1000 });
const steps: fc.Arbitrary<Step> = fc.oneof(
  number.map(
    (n): Step =>
      (model) =>
        model.expect(put(n), n),
  ),
  fc.tuple(number, fc.nat()).map(
    ([n, index]): Step =>
      (model) => {
        const other = model.pick(index);
        if (other === undefined) return model.expect(add.remote(n, 1), n + 1);
        // It fails as its argument does; and a cancelled argument may have come in time.
        model.expect(add.remote(n, other.ref), other.value === undefined ? undefined : n + other.value, other.codes);
      },
  ),
  fc.tuple(number, fc.nat(8)).map(
    ([n, ms]): Step =>
      (model) =>
        model.expect(later.remote(n, ms), n),
  ),
  number.map(
    (n): Step =>
      (model) =>
        model.expect(fails.remote(n), undefined, ['ERR_MOBULA_TASK']),
  ),
  fc.constant<Step>((model) => model.expect(dies.remote(), undefined, ['ERR_MOBULA_WORKER_DIED'])),
  fc.nat().map(
    (index): Step =>
      async (model) => {
        const chosen = model.pick(index);
        // A call that is cancelled may have had its effect, or not: what later calls give is not foreseen.
        if (chosen === undefined || chosen.call) return;
        await cancel(chosen.ref);
        for (const each of model.refs) each.codes.add('ERR_MOBULA_TASK_CANCELLED');
      },
  ),
  fc.nat().map(
    (index): Step =>
      (model) => {
        const chosen = model.pick(index);
        if (chosen === undefined || model.refs.length < 3) return;
        chosen.released = true;
        chosen.ref[Symbol.dispose]();
      },
  ),
  number.map(
    (n): Step =>
      (model) => {
        model.actor ??= { handle: Cell.remote(), sum: 0, codes: new Set() };
        model.actor.sum += n;
        model.expect(model.actor.handle.add.remote(n), model.actor.sum, model.actor.codes, true);
      },
  ),
  fc.constant<Step>((model) => {
    if (model.actor === undefined) return;
    kill(model.actor.handle);
    for (const each of model.refs) each.codes.add('ERR_MOBULA_ACTOR_DIED');
    model.actor = undefined;
  }),
  fc.nat().map(
    (index): Step =>
      (model) => {
        if (!workers.kill(index)) return;
        // Tasks run again without end; actors had no restarts.
        for (const each of model.refs) for (const code of ['ERR_MOBULA_ACTOR_DIED']) each.codes.add(code);
        model.actor?.codes.add('ERR_MOBULA_ACTOR_DIED');
        model.actor = undefined;
      },
  ),
);

async function check({ ref, value, codes, released }: Foreseen): Promise<void> {
  if (released) return;
  const outcome = await get(ref).then(
    (given) => ({ given }),
    (error: unknown) => {
      assert.ok(error instanceof MobulaError, String(error));
      return { code: error.code };
    },
  );
  if ('given' in outcome) assert.equal(outcome.given, value);
  else assert.ok(codes.has(outcome.code), `${outcome.code} is none of ${[...codes].join(', ')}`);
}

const { MOBULA_RUNS, MOBULA_SEED: seed } = process.env;
const runs = Number(MOBULA_RUNS ?? 60);

test('tasks, refs, actors, cancels and deaths in random order end as the model foresees', {
  timeout: 100_000 + 3000 * runs,
}, async () => {
  const property = fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 40 }), async (sequence) => {
    const model = new Model();
    for (const step of sequence) await step(model);
    await Promise.all(model.refs.map(check));
    for (const { ref, released } of model.refs) if (!released) ref[Symbol.dispose]();
  });
  await fc.assert(property, { numRuns: runs, ...(seed !== undefined && { seed: Number(seed) }) });
  await assertQuiet();
});
