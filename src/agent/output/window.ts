/** Bytes of output that a driver may have from one node and not have printed. */
export const WINDOW_BYTES: number = 1 << 20;
/** Milliseconds for which tasks are held up by a driver that does not print; after that, their output is dropped. */
const PATIENCE_MS = 1000;

/** What was dropped. */
export interface Lost {
  readonly lines: number;
  readonly bytes: number;
}

const LINE_FEED = 10;

/** How much of a job's output may be on its way to its driver: memory is bounded, and nobody waits for long. */
export class OutputWindow {
  #unprinted = 0;
  /** Bytes that have not arrived at the driver's process, and since when none has. */
  #underWay = 0;
  #underWaySince = 0;
  /** Since when there is no room; undefined: there is. */
  #fullSince: number | undefined;
  #lines = 0;
  #bytes = 0;

  /** `isOpen`: whether its driver is known. */
  constructor(isOpen: boolean, now: number) {
    if (!isOpen) this.#fullSince = now;
  }

  /** Whether a piece is to be sent, to wait, or to be dropped. */
  verdict(now: number): 'send' | 'wait' | 'drop' {
    if (this.#fullSince === undefined) return 'send';
    return now - this.#fullSince < PATIENCE_MS ? 'wait' : 'drop';
  }

  /** When what waits is dropped. */
  get due(): number {
    return this.#fullSince === undefined ? Number.POSITIVE_INFINITY : this.#fullSince + PATIENCE_MS;
  }

  /** Bytes that are to be sent, or were. */
  sent(bytes: number, now: number): void {
    this.#unprinted += bytes;
    if (this.#unprinted >= WINDOW_BYTES) this.#fullSince ??= now;
    if (this.#underWay === 0) this.#underWaySince = now;
    this.#underWay += bytes;
  }

  /** So many bytes have arrived at the driver's process. False: there were not so many. */
  arrived(bytes: number, now: number): boolean {
    if (bytes > this.#underWay) return false;
    this.#underWay -= bytes;
    this.#underWaySince = now;
    return true;
  }

  /** Until when what is under way is waited for; undefined: nothing is, or not any more. */
  underWay(now: number): number | undefined {
    const until = this.#underWaySince + PATIENCE_MS;
    return this.#underWay > 0 && now < until ? until : undefined;
  }

  /**
   * The driver has printed so many bytes. There is room again when it has half of the window, so that a slow one is not waited for
   * again and again. False: it was not sent so many.
   */
  printed(bytes: number): boolean {
    if (bytes > this.#unprinted) return false;
    this.#unprinted -= bytes;
    if (this.#unprinted <= WINDOW_BYTES / 2) this.#fullSince = undefined;
    return true;
  }

  /** The driver is known now. */
  open(): void {
    this.#fullSince = undefined;
  }

  drop(data: Uint8Array): void {
    this.#bytes += data.length;
    for (let at = data.indexOf(LINE_FEED); at >= 0; at = data.indexOf(LINE_FEED, at + 1)) this.#lines += 1;
  }

  /** What was dropped since it was asked for, once there is room to tell it. */
  takeLost(): Lost | undefined {
    if (this.#bytes === 0 || this.#fullSince !== undefined) return undefined;
    const lost = { lines: this.#lines, bytes: this.#bytes };
    this.#lines = 0;
    this.#bytes = 0;
    return lost;
  }
}
