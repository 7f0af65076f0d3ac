/** What the agent's decisions need of other parts of mobula; `boot/` connects them. */

/** Eight bytes as 16 hexadecimal digits. */
export type NodeId = string;

/** Amounts of resources by name, in ten-thousandths. */
export type Amounts = Readonly<Record<string, number>>;

/** What some tasks of this node have in common, as the global scheduler is told. */
export interface Ask {
  readonly job: string;
  readonly fn: string;
  readonly priority: number;
  readonly demand: Amounts;
  /** `elsewhere`: this node runs them too. */
  readonly strategy: 'default' | 'spread' | 'elsewhere' | { readonly nodeId: NodeId; readonly soft: boolean };
  readonly infeasibleAfterMs: number;
}

/** Tasks that are wanted elsewhere: how many want a place or have one, and how many are out where. */
export interface Wish {
  readonly line: number;
  readonly ask: Ask;
  /** What each of them has of arguments that stay at nodes, about. */
  readonly large: readonly { readonly bytes: number; readonly places: readonly NodeId[] }[];
  readonly count: number;
  readonly meanMs: number | undefined;
  readonly out: readonly (readonly [NodeId, number])[];
}

/** What is asked of the global scheduler. */
export interface Wanted {
  readonly no: number;
  readonly seen: number;
  readonly complete: boolean;
  readonly wishes: readonly Wish[];
  readonly tasks: readonly never[];
  readonly gone: readonly never[];
}

/** What the global scheduler says of a line. */
export type Granted =
  | { readonly kind: 'grant'; readonly no: number; readonly line: number; readonly node: NodeId; readonly w: number }
  | { readonly kind: 'infeasible'; readonly line: number }
  | { readonly kind: 'node-died'; readonly line: number; readonly node: NodeId };
