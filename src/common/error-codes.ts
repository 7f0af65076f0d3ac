/** Every code an error of mobula can carry, with the one sentence its page opens with. */
export const errorCodes = {
  ERR_MOBULA_ACTOR_DIED: 'The actor is dead and will not answer.',
  ERR_MOBULA_ACTOR_NAME_TAKEN: 'A live actor of this namespace has that name.',
  ERR_MOBULA_ACTOR_NOT_FOUND: 'No live actor of this namespace has that name.',
  ERR_MOBULA_ALREADY_INITIALIZED: 'init() was called while a runtime was up.',
  ERR_MOBULA_BINARY: 'The native part of mobula could not be loaded.',
  ERR_MOBULA_CAPTURE: 'A function closes over something that cannot travel with it.',
  ERR_MOBULA_CLUSTER: 'This version of mobula runs on one machine.',
  ERR_MOBULA_CLUSTER_STATE_LOST: 'The head of the cluster started again without its state.',
  ERR_MOBULA_CONTROL_STORE_DATA_LOSS: 'The control store lost what it had confirmed.',
  ERR_MOBULA_CONTROL_STORE_UNAVAILABLE: 'The control store does not answer.',
  ERR_MOBULA_DEADLOCK: 'Tasks and actors wait for one another in a cycle.',
  ERR_MOBULA_GET_TIMEOUT: 'The value was not there within timeoutMs.',
  ERR_MOBULA_INTERNAL: 'mobula broke a promise of its own.',
  ERR_MOBULA_INVALID_ARGUMENT: 'An argument has the wrong type or value.',
  ERR_MOBULA_INVALID_OPTION: 'An option has the wrong type or value.',
  ERR_MOBULA_NODE_DIED: 'The node that was to run something is dead or unknown.',
  ERR_MOBULA_NOT_BUILT: 'This version does not have that part yet.',
  ERR_MOBULA_OBJECT_LOST: 'The value is gone and cannot be rebuilt.',
  ERR_MOBULA_OBJECT_STORE_FULL: 'The object store has no room and nothing it may evict.',
  ERR_MOBULA_OTHER_COPY: 'Another copy of mobula has a runtime in this thread.',
  ERR_MOBULA_PENDING_CALLS_LIMIT: 'The actor has maxPendingCalls calls waiting.',
  ERR_MOBULA_RUNTIME_CLOSED: 'The runtime was shut down.',
  ERR_MOBULA_SERIALIZATION: 'A value cannot travel to another thread.',
  ERR_MOBULA_TASK: 'User code threw.',
  ERR_MOBULA_TASK_CANCELLED: 'The task was cancelled.',
  ERR_MOBULA_TASK_TIMEOUT: 'The attempt ran longer than timeoutMs.',
  ERR_MOBULA_UNSCHEDULABLE: 'The request is larger than any node.',
  ERR_MOBULA_WORKER_DIED: 'The worker that ran the task died.',
} as const;

/** A stable error code. */
export type ErrorCode = keyof typeof errorCodes;
