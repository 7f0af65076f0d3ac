import { even, NAME_A } from './cycle-a.ts';

export function odd(n: number): boolean {
  return n !== 0 && even(n - 1);
}
export const names = () => [NAME_A, 'b'];
