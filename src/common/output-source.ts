/** What wrote something to stdout or stderr. */
export interface OutputSource {
  /** The number of its job. */
  readonly job: number;
  /** As `context().taskId`. */
  readonly task: string;
  /** What the task is called. */
  readonly name: string;
}
