/** A task of another node, as that node names it: its NodeId, generation and place, its attempt; and its slot here. */
export interface Origin {
  /** As `context().taskId` gives it in every node. */
  readonly taskId: string;
  readonly attempt: number;
  /** In the page of begun tasks. */
  readonly slot: number;
}

/** Bytes of an origin in a record. The first 16 are the TaskId. */
export const ORIGIN_BYTES = 24;

const TASK_ID_BYTES = 16;

/** The slot of the task whose origin is at `pos`. */
export function slotOf(view: DataView, pos: number): number {
  return view.getUint32(pos + TASK_ID_BYTES + 4, true);
}

/** Reads the origin at `pos`. */
export function readOrigin(bytes: Uint8Array, view: DataView, pos: number): Origin {
  const id = Buffer.from(bytes.subarray(pos, pos + TASK_ID_BYTES));
  return {
    taskId: id.toString('hex'),
    attempt: view.getUint32(pos + TASK_ID_BYTES, true),
    slot: slotOf(view, pos),
  };
}
