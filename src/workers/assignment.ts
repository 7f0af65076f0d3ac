/** What a thread and its pool tell each other in shared words. */
export const threadState = {
  /** The thread's port + 1, once it is attached. */
  port: 0,
  /** The task that made the thread exit + 1, or `RETIRED`. */
  culprit: 1,
  /** How many of its instances have to dispose of themselves. */
  disposable: 2,
  /** 1: it takes no more tasks, as it cannot load a module any more, and ends once those that it has begun are done. */
  leaving: 3,
} as const;
export const THREAD_STATE_WORDS = 4;

/** In the place of a culprit: the thread has ended itself, because it cannot load a module any more. */
export const RETIRED = -1;

/** What a thread is told when it starts. */
export interface WorkerAssignment {
  /** 1 = runs tasks, 2 = runs actors. */
  readonly kind: number;
  /** The host's number, for threads that run actors; else -1. */
  readonly host: number;
  /** The job whose tasks it runs, if that is another process's; else 0. */
  readonly job: number;
  /** Words by `threadState`. */
  readonly state: Int32Array;
  /** How many threads of the pool have said that they are leaving; one word. */
  readonly leavings: Int32Array;
  /** Milliseconds for which it may not end itself. */
  readonly staysForMs: number;
}
