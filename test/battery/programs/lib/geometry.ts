export const ORIGIN = { x: 0, y: 0 };

export function scale(x: number, by: number) {
  return x * by;
}

export class Point {
  x: number;
  y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
  length() {
    return Math.hypot(this.x - ORIGIN.x, this.y - ORIGIN.y);
  }
}
