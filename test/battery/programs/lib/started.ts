// Changed by the script that imports it, before anything is sent.
export let state: { url: string } | undefined;
export function start() {
  state = { url: 'started' };
}
export let mode = 'initial';
export function setMode(value: string) {
  mode = value;
}
