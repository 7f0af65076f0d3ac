export class Cache {
  #entries = new Map<string, number>();
  fill(key: string) {
    this.#entries.set(key, key.length);
    return this.#entries.get(key);
  }
}
export const cache = new Cache();
const secret = Symbol('secret');
export const hidden = { [secret]: 1, read: () => typeof secret };
