// Live bindings: exports that the module itself changes.
export let count = 0;
export function reset() {
  count = 0;
}
export function increment() {
  count += 1;
  return count;
}
export function current() {
  return count;
}
export let connection: { url: string } | undefined;
export async function connect(url: string) {
  await null;
  connection = { url };
  return connection;
}
export function disconnect() {
  connection = undefined;
}
