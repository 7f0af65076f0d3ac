/** Slope of a straight line through the points, by least squares; not a number for fewer than two. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (at: 0 | 1): number => points.reduce((total, point) => total + point[at], 0) / points.length;
  const [mx, my] = [mean(0), mean(1)];
  const over = points.reduce((total, [x, y]) => total + (x - mx) * (y - my), 0);
  return over / points.reduce((total, [x]) => total + (x - mx) ** 2, 0);
}
