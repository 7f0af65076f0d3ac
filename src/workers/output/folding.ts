/** Milliseconds for which a line that was printed keeps others like it from being printed. */
const WINDOW_MS = 5000;
/** Lines that are remembered, and the most characters of one. */
const [MOST_LINES, MOST_CHARACTERS] = [1000, 1000];

/** A line without its end, and where it belongs. */
export interface Line {
  readonly stream: 'stdout' | 'stderr';
  /** What tells where it comes from. Lines of different nodes have different ones. */
  readonly prefix: string;
  /** What the task is called: lines of different functions are different lines. */
  readonly name: string;
  readonly text: string;
}

interface Remembered {
  since: number;
  /** What wrote it first; null: others have written it too. */
  source: string | null;
  /** How often it came since it was printed, and the last that came. */
  count: number;
  last: Line;
}

/**
 * Folds lines that many tasks write: the first is printed at once, and those of other tasks in the next seconds are counted, and
 * printed as one line. A task that writes one line again and again alone gets each of them printed.
 */
export class Folding {
  readonly #remembered = new Map<string, Remembered>();

  /** Whether the line is to be printed now. `source`: the task. `print` gets older lines that make room. */
  add(line: Line, source: string, now: number, print: (line: Line) => void): boolean {
    if (line.text.trim() === '' || line.text.length > MOST_CHARACTERS) return true;
    const key = `${line.stream} ${line.name}\n${line.text}`;
    const known = this.#remembered.get(key);
    if (known === undefined) {
      if (this.#remembered.size >= MOST_LINES) this.#endFirst(print);
      this.#remembered.set(key, { since: now, source, count: 0, last: line });
      return true;
    }
    if (known.source === source) return true;
    known.source = null;
    known.count += 1;
    known.last = line;
    return false;
  }

  #endFirst(print: (line: Line) => void): void {
    for (const [key, first] of this.#remembered) {
      this.#remembered.delete(key);
      tell(first, print);
      return;
    }
  }

  /** When `look` is to be called. */
  get due(): number {
    for (const { since } of this.#remembered.values()) return since + WINDOW_MS;
    return Number.POSITIVE_INFINITY;
  }

  /** Prints what was counted for long enough. */
  look(now: number, print: (line: Line) => void): void {
    for (const [key, line] of this.#remembered) {
      if (line.since + WINDOW_MS > now) return;
      this.#remembered.delete(key);
      tell(line, print);
      // It may well go on.
      if (line.count > 1) this.#remembered.set(key, { ...line, since: now, count: 0 });
    }
  }

  /** Prints all that was counted. */
  flush(print: (line: Line) => void): void {
    for (const line of this.#remembered.values()) tell(line, print);
    this.#remembered.clear();
  }
}

function tell({ count, last }: Remembered, print: (line: Line) => void): void {
  if (count === 0) return;
  print(count === 1 ? last : { ...last, text: `${last.text} [repeated ${count}x across cluster]` });
}
