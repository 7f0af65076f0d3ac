export type Amounts = Readonly<Record<string, number>>;

/** The sum of what each has, by name. Amounts are in steps of 0.0001. */
export function sum(all: readonly Amounts[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const amounts of all)
    for (const [name, amount] of Object.entries(amounts))
      total[name] = Math.round(((total[name] ?? 0) + amount) * 10_000) / 10_000;
  return total;
}
