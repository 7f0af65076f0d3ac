import { idPart } from '../../common/ids.ts';

/** Bytes of an origin in a record. The first 16 are the TaskId. */
export const ORIGIN_BYTES = 24;

const TASK_ID_BYTES = 16;

/** A task of another node, as that node names it: its NodeId, generation and place, its attempt; and its slot here. */
export class Origin {
  readonly attempt: number;
  /** In the page of begun tasks. */
  readonly slot: number;
  /** The TaskId, as four numbers: few tasks ask for its text. */
  readonly #nodeHigh: number;
  readonly #nodeLow: number;
  readonly #generation: number;
  readonly #index: number;

  /** The origin at `pos`. */
  constructor(view: DataView, pos: number) {
    this.#nodeHigh = view.getUint32(pos);
    this.#nodeLow = view.getUint32(pos + 4);
    this.#generation = view.getUint32(pos + 8);
    this.#index = view.getUint32(pos + 12);
    this.attempt = view.getUint32(pos + TASK_ID_BYTES, true);
    this.slot = slotOf(view, pos);
  }

  /** As `context().taskId` gives it in every node. */
  get taskId(): string {
    return idPart(this.#nodeHigh) + idPart(this.#nodeLow) + idPart(this.#generation) + idPart(this.#index);
  }
}

/** The slot of the task whose origin is at `pos`. */
export function slotOf(view: DataView, pos: number): number {
  return view.getUint32(pos + TASK_ID_BYTES + 4, true);
}
