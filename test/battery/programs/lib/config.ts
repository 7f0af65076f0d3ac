// Data that the script changes before it uses it.
export const config: any = { url: 'original', nested: { level: 1 }, list: ['first'] };
export let version = 1;
export function raise() {
  version += 1;
}
export const registry = new Map<string, number>([['a', 1]]);
export class Settings {
  static mode = 'slow';
  static get() {
    return Settings.mode;
  }
}
export const stamp = () => `${process.hrtime.bigint()}-${Math.random()}`;
export const options = { retries: 1 };
export function withState() {
  return withState.calls;
}
withState.calls = 0;
export function readsItself(): unknown {
  return Reflect.get(readsItself, 'given') ?? (readsItself as { marked?: string }).marked ?? 'nothing';
}
export const tools = { rate: () => 'original' };
