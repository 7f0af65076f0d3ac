/** A straight line through points, by least squares. */
export interface Line {
  /** How much y changes with x; not a number for fewer than two points. */
  readonly slope: number;
  /** The standard error of that. */
  readonly error: number;
}

export function fit(points: readonly (readonly [x: number, y: number])[]): Line {
  const mean = (at: 0 | 1): number => points.reduce((total, point) => total + point[at], 0) / points.length;
  const [mx, my] = [mean(0), mean(1)];
  const spread = points.reduce((total, [x]) => total + (x - mx) ** 2, 0);
  const slope = points.reduce((total, [x, y]) => total + (x - mx) * (y - my), 0) / spread;
  const rest = points.reduce((total, [x, y]) => total + (y - my - slope * (x - mx)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / Math.max(1, points.length - 2) / spread) };
}
