import type { Logger } from '../common/init-options.ts';
import { adviceOf, describeWait, type ReasonNames } from '../core/wait/reasons.ts';
import type { WaitReason } from '../native/addon.ts';

/** Different warnings of one runtime; more of them help nobody. */
const MOST = 20;

/** Says once, for each cause, what has waited for resources for more than five seconds, and what holds them. */
export class SlowWaits {
  readonly #read: () => readonly WaitReason[];
  readonly #names: ReasonNames;
  readonly #logger: Logger | undefined;
  readonly #said = new Set<string>();

  /** `read`: what has waited for long, by now. */
  constructor(read: () => readonly WaitReason[], names: ReasonNames, logger: Logger | undefined) {
    this.#read = read;
    this.#names = names;
    this.#logger = logger;
  }

  /** Something new has waited for long. */
  tell(): void {
    for (const reason of this.#read()) {
      // Of a cause, not of a number.
      const key = JSON.stringify([reason.name, reason.cause, reason.lacking.filter((_, i) => i % 3 === 0)]);
      if (this.#said.has(key) || this.#said.size >= MOST) continue;
      this.#said.add(key);
      const why = describeWait([reason], this.#names);
      const text = `For more than 5 s: ${why} ${adviceOf(reason)}`;
      if (this.#logger === undefined) process.emitWarning(text, 'MobulaWarning');
      else this.#logger.warn({ waiting: reason.count }, text);
    }
  }
}
