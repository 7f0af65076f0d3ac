export type Amounts = Readonly<Record<string, number>>;

/** What nodes have for tasks, by name. One without CPUs hosts nothing. Amounts are in steps of 0.0001. */
export function sum(nodes: readonly { readonly resources: Amounts }[]): Record<string, number> {
  const all = nodes.map(({ resources }) => resources).filter(({ CPU = 0 }) => CPU > 0);
  const total: Record<string, number> = {};
  for (const amounts of all)
    for (const [name, amount] of Object.entries(amounts))
      total[name] = Math.round(((total[name] ?? 0) + amount) * 10_000) / 10_000;
  return total;
}
