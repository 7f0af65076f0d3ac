/** Digits of a NodeId, and of what people are shown of one. */
const NODE_DIGITS = 16;
const SHOWN_DIGITS = 8;

/** A number as ids have it. */
export function idPart(number: number): string {
  return number.toString(16).padStart(8, '0');
}

/** What `context().jobId` is for the job with this number. */
export function jobName(job: number): string {
  return idPart(job);
}

/** Bytes of the name of an attempt: TaskId and number. */
export const ATTEMPT_BYTES = 20;

/** The TaskId or ObjectId of what lies in a cell of a node: of all that did, the one with this number. */
export function cellName(node: string, index: number, generation: number): string {
  return `${node}${idPart(generation)}${idPart(index)}`;
}

/** The node that a TaskId or an ObjectId names. */
export function nodeIn(id: string): string {
  return id.slice(0, NODE_DIGITS);
}

/** How people are shown a node. */
export function shortNode(node: string): string {
  return node.slice(0, SHOWN_DIGITS);
}
