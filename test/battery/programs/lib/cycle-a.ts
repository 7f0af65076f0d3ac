import { odd } from './cycle-b.ts';

export function even(n: number): boolean {
  return n === 0 || odd(n - 1);
}
export const NAME_A = 'a';
