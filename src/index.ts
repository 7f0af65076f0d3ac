export { type GetActorOptions, getActor, type KillOptions, kill } from './api/actors.ts';
export { availableResources, clusterResources, context, nodes, type RuntimeContext } from './api/cluster.ts';
export {
  allocate,
  asCompleted,
  type CancelOptions,
  cancel,
  type GetOptions,
  get,
  put,
  type Values,
  type Waited,
  type WaitOptions,
  wait,
} from './api/objects.ts';
export { remote } from './api/remote.ts';
export {
  init,
  isInitialized,
  Runtime,
  type RuntimeStats,
  type ShutdownOptions,
  type StoreUsage,
  shutdown,
} from './api/runtime.ts';
export type { CallOptions } from './common/call-options.ts';
export type { StoreSpilled, TaskSettled, TaskSubmitted, WorkerExited, WorkerStarted } from './common/channels.ts';
export type { ErrorCode } from './common/error-codes.ts';
export {
  ActorDiedError,
  ActorNameTakenError,
  CaptureError,
  ClusterStateLostError,
  ControlStoreDataLossError,
  ControlStoreUnavailableError,
  DeadlockError,
  GetTimeoutError,
  MobulaError,
  type MobulaErrorOptions,
  NodeDiedError,
  ObjectLostError,
  ObjectStoreFullError,
  PendingCallsLimitError,
  RuntimeClosedError,
  SerializationError,
  TaskCancelledError,
  TaskError,
  type TaskOrigin,
  TaskTimeoutError,
  UnschedulableError,
  WorkerDiedError,
} from './common/errors.ts';
export type { InitOptions, Logger } from './common/init-options.ts';
export type {
  ActorOptions,
  ErrorClass,
  NodeAffinity,
  ResourceOptions,
  SchedulingStrategy,
  TaskOptions,
} from './common/options.ts';
export type { ActorClass, ActorHandle, ActorMethod, ActorMethods, AnyClass } from './core/actors/actor-class.ts';
export { ObjectRef } from './core/refs/object-ref.ts';
export type { Arg, Args, RemoteFunction, Result, Returns } from './core/submit/remote-function.ts';
export { ObjectRefStream } from './core/wait/stream.ts';
export type { NodeInfo } from './gcs/client.ts';
