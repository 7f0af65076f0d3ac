/** A child process's end of the pipe from its parent: one line of JSON at a time. */
import { Socket } from 'node:net';
import { isMobulaError } from '../common/errors.ts';

/** What a child says. */
export type FromChild =
  /** It serves; the fields are the child's own. */
  | { readonly kind: 'up'; readonly facts: Readonly<Record<string, string | number>> }
  /** It cannot go on, and ends. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** Every child has its parent there. */
export const PARENT_FD = 3;

/** The parent, as a child process sees it. */
export interface Parent<Config> {
  readonly config: Config;
  up(facts: Readonly<Record<string, string | number>>): void;
  /** Says why this process ends, and ends it. */
  fail(error: unknown): void;
  /** Calls `stop` once: when the parent asks for the end, when it is gone, or at SIGTERM. Then the process exits. */
  whenOver(stop: () => Promise<void> | void): void;
}

/** Waits for the first line, which is the configuration. A parent that goes before it has said anything takes the child along. */
export function meetParent<Config>(): Promise<Parent<Config>> {
  const socket = new Socket({ fd: PARENT_FD, readable: true, writable: true });
  let stop: () => Promise<void> | void = () => {};
  let over = false;
  const end = (): void => {
    if (over) return;
    over = true;
    Promise.resolve()
      .then(() => stop())
      .then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
  };
  const say = (line: FromChild, done?: () => void): void => {
    // A parent that is gone hears nothing; `end` follows.
    socket.write(`${JSON.stringify(line)}\n`, () => done?.());
  };
  const fail = (error: unknown): void => {
    over = true;
    const code = isMobulaError(error) ? error.code : 'ERR_MOBULA_INTERNAL';
    const message = isMobulaError(error) ? error.message : String((error as Error)?.stack ?? error);
    const exit = (): never => process.exit(1);
    socket.once('close', exit);
    say({ kind: 'failed', code, message }, exit);
  };
  // Ctrl-C reaches the whole group: the parent decides what it means.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', end);
  socket.on('end', end);
  socket.on('error', end);
  process.on('uncaughtException', fail);
  return new Promise((resolve) => {
    let text = '';
    const read = (chunk: Buffer): void => {
      text += chunk.toString();
      const line = text.indexOf('\n');
      if (line < 0) return;
      socket.off('data', read);
      // Reads on, to see the end.
      socket.on('data', () => {});
      resolve({
        config: JSON.parse(text.slice(0, line)) as Config,
        up: (facts) => say({ kind: 'up', facts }),
        fail,
        whenOver: (action) => {
          stop = action;
        },
      });
    };
    socket.on('data', read);
  });
}
