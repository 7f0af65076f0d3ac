import { createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { HeadPlan, RunningHead, Starters } from '../../../src/boot/supervisor/group.ts';
import { MobulaError } from '../../../src/common/errors.ts';

/** Stands in for a head: a port, and an end that a test can bring about. */
export class DoubleHead implements RunningHead {
  // Nothing is said there.
  readonly #server: Server = createServer((socket) => socket.destroy());
  #end: (error: Error | undefined) => void = () => {};
  readonly ended: Promise<Error | undefined> = new Promise((resolve) => {
    this.#end = resolve;
  });

  async listen({ bind, port }: HeadPlan): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      this.#server.on('error', () =>
        reject(new MobulaError('ERR_MOBULA_CONNECTION', `Cannot listen at ${bind}:${port}`)),
      );
      this.#server.listen(port, bind, resolve);
    });
    return this;
  }

  get port(): number {
    return (this.#server.address() as { readonly port: number }).port;
  }

  get isListening(): boolean {
    return this.#server.listening;
  }

  die(error: Error): void {
    this.#end(error);
  }

  async stop(): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
    this.#end(undefined);
  }

  hold(alive: boolean): void {
    if (alive) this.#server.ref();
    else this.#server.unref();
  }
}

/** Starters of doubles, and the heads that they have started. */
export function doubles(heads: DoubleHead[] = []): Starters {
  return {
    async head(plan) {
      const head = await new DoubleHead().listen(plan);
      heads.push(head);
      return head;
    },
    node: { entry: new URL('./double.js', import.meta.url), replace: true, output: 'ignore' },
  };
}

export const clusterParent: string = fileURLToPath(new URL('./cluster-parent.js', import.meta.url));
