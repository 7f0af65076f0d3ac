import { bytes } from '../doctor/render.ts';

/** An amount as people read it. */
export function amountText(name: string, amount: number): string {
  return name === 'memory' ? bytes(amount) : String(amount);
}
