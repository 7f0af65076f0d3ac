import { Agent, get } from 'node:http';

/** Sends requests over kept connections until the service takes no more, and counts the answers that came whole. */
export class Client {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #url: string;
  #stopped = false;
  /** Whole answers, by status. */
  readonly answers = new Map<number, number>();
  /** Answers that broke off in the middle. */
  broken = 0;

  constructor(url: string) {
    this.#url = url;
  }

  /** Keeps so many requests under way; resolves when the service takes no more of them. */
  async run(concurrency: number): Promise<void> {
    await Promise.all(Array.from({ length: concurrency }, (_, i) => this.#loop(i)));
    this.#agent.destroy();
  }

  async #loop(id: number): Promise<void> {
    while (!this.#stopped) {
      try {
        const status = await this.#request(`${this.#url}/items/${id}/similar`);
        this.answers.set(status, (this.answers.get(status) ?? 0) + 1);
      } catch {
        // The service has closed: it was never read.
        this.#stopped = true;
      }
    }
  }

  #request(url: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const request = get(url, { agent: this.#agent }, (response) => {
        response.on('data', () => undefined);
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', (error) => {
          this.broken++;
          reject(error);
        });
      });
      request.on('error', reject);
    });
  }
}
