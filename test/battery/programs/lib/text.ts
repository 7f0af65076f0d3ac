// One of each kind of export.
import { basename } from 'node:path';
import { scale } from './geometry.ts';

export const SEPARATOR = '-';
export const arrow = (text: string) => `${text}${SEPARATOR}`;
export function join(...parts: string[]) {
  return parts.join(SEPARATOR);
}
export async function slowly(text: string) {
  await null;
  return arrow(text);
}
export function* letters(text: string) {
  for (const letter of text) yield arrow(letter);
}
export const table = { upper: (text: string) => text.toUpperCase(), by: scale };
export const file = (path: string) => basename(path);
export class Words {
  static separator = SEPARATOR;
  words: string[];
  constructor(text: string) {
    this.words = text.split(Words.separator);
  }
  first() {
    return this.words[0];
  }
}
const local = (text: string) => `local ${text}`;
export { local as renamed };
export default function shout(text: string) {
  return `${text.toUpperCase()}!`;
}
