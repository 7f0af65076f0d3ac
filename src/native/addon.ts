/**
 * What the addon exports; `native/src` has one file for each group. Amounts of resources are in ten-thousandths,
 * memory is in bytes, and every call is made by the thread whose port it names.
 */
export interface Addon {
  // runtime.rs
  start(options: StartOptions): void;
  stop(): void;
  drain(): boolean;
  failAll(details: string): void;
  stopActors(): void;
  ringDriver(): void;
  freeResources(): number[];
  /** Foreign tasks that threads have, queued tasks, nanoseconds of queued work; then what is free but for foreign tasks. */
  nodeLoad(): number[];
  templatesInUse(): number[];
  liveTasks(): number;
  // port.rs
  attach(kind: number, serves: number, onBell: () => void): number;
  detach(port: number): void;
  endJob(port: number, job: number): void;
  abandon(port: number, details: string): void;
  bury(port: number, details: string, blame: number): void;
  setRegions(port: number, control: Int32Array, commands: Uint8Array, inbox: Uint8Array): void;
  flush(port: number, commands: number): void;
  advance(port: number, commands: number): void;
  execute(port: number, commands: Uint8Array): void;
  step(port: number, commands: number, spin: boolean, take: boolean): number;
  look(port: number, object: number): number;
  keepAlive(port: number): void;
  stopTaking(port: number): void;
  isEnding(): boolean;
  watch(port: number): void;
  // tasks.rs
  addTemplate(
    port: number,
    object: number,
    options: TemplateOptions,
    meta: Uint8Array,
    code: number,
    group: number,
  ): number;
  settleTemplates(port: number, count: number): void;
  registerAgain(port: number, object: number, template: number): boolean;
  templateMeta(port: number, template: number): Uint8Array | null;
  templateMean(port: number, template: number): number;
  failedLoads(port: number, template: number): number;
  loadEnded(port: number, template: number, loaded: boolean, before: number): void;
  mustEnd(port: number, index: number, generation: number): boolean;
  // actors.rs
  findActor(port: number, namespace: string, name: string): number[];
  hasName(port: number, object: number): boolean;
  pendingCalls(port: number, object: number): number;
  reportWaits(port: number, records: Uint32Array): void;
  // reasons.rs
  explain(port: number, object: number): WaitReason[];
  slowWaits(port: number): WaitReason[];
  // objects.rs
  allocObjects(port: number, pairs: Uint32Array): void;
  areThere(port: number, objects: Uint32Array): void;
  weighObjects(port: number, objects: Uint32Array): void;
  isRecoverable(port: number, object: number): boolean;
  objectGeneration(port: number, object: number): number;
  shareObject(port: number, object: number): void;
  putBuffer(port: number, bytes: ArrayBufferView): number;
  askToCollect(port: number): void;
  waitForRoom(port: number, milliseconds: number): void;
  readBuffer(port: number, buffer: number, into: Uint8Array): void;
  makeSmallRoom(port: number): void;
  releaseBuffer(port: number, buffer: number): void;
  shareBuffer(port: number, buffer: number): void;
  mapBuffer(port: number, buffer: number): ArrayBuffer;
  settleViews(port: number): boolean;
  createBuffer(port: number, byteLength: number): [array: ArrayBuffer, view: number];
  sealBuffer(port: number, array: ArrayBuffer, view: number): number;
  storeStats(port: number): StoreStats;
  // net.rs
  netListen(
    port: number,
    node: Uint8Array,
    address: string,
    token: Uint8Array,
    key: Uint8Array,
    certificate: Uint8Array,
    most: number,
    onBell: () => void,
  ): number;
  netStop(port: number): void;
  netServe(port: number, name: Uint8Array, buffers: readonly number[]): void;
  netUnserve(port: number, name: Uint8Array): boolean;
  netIsAlone(port: number, name: Uint8Array): boolean;
  netPull(port: number, peer: Uint8Array, address: string, name: Uint8Array, bytes: number, priority: number): number;
  netCancel(port: number, ticket: number): boolean;
  netForget(port: number, name: Uint8Array): void;
  netHangUp(port: number, node: Uint8Array): void;
  netTake(port: number): NetEnd[];
  // tables.rs
  tablePut(port: number, table: string, key: string, value: Uint8Array, replace: boolean): boolean;
  tableGet(port: number, table: string, key: string): Uint8Array | null;
  tableDelete(port: number, table: string, key: string): boolean;
  tableKeys(port: number, table: string): string[];
  internShape(port: number, keys: readonly string[]): number;
  shapeKeys(port: number, id: number): string[];
  // log.rs
  logOpen(folder: string, onProgress: () => void): LogOpened;
  logAppend(log: number, firstSeq: number, lastSeq: number, bytes: Uint8Array, sync: boolean): void;
  logRead(log: number, from: number, most: number): Buffer[];
  logProgress(log: number): number[];
  logClose(log: number): void;
  // begun.rs
  openBegun(bytes: number): number;
  mapBegun(fd: number, bytes: number): ArrayBuffer;
  // machine.rs
  version(): string;
  usableCpus(): number;
  cpuQuota(): number;
  memoryLimit(): number;
}

/** A log of a shard, as it was opened. */
export interface LogOpened {
  readonly id: number;
  /** How often it was opened: 1 for the first time. */
  readonly epoch: number;
  /** Whether nothing that was written can be missing. */
  readonly clean: boolean;
}

/** What a runtime is started with. */
export interface StartOptions {
  readonly cpu: number;
  readonly others: readonly number[];
  readonly sharedHosts: number;
  readonly storeCapacity: number;
  readonly spillDirectory: string;
}

/** What all calls of one remote function with one set of options share; -1 = without end. */
export interface TemplateOptions {
  readonly name: string;
  readonly priority: number;
  readonly cpu: number;
  /** Pairs of index and amount. */
  readonly others: readonly number[];
  readonly maxRetries: number;
  readonly maxKills: number;
  readonly timeoutMs: number;
  readonly maxRestarts: number;
  readonly maxConcurrency: number;
  readonly ownThread: boolean;
  readonly detached: boolean;
  /** The job of another process that its tasks belong to; 0: that of the thread that registers it. */
  readonly job: number;
  /** What an agent finds another node by; absent for what runs on this node alone. */
  readonly forward: string | undefined;
  /** Whether this node runs its tasks too. */
  readonly keeps: boolean;
}

/** Why something waits. */
export interface WaitReason {
  /** Of what waits; empty for tasks of any kind. */
  readonly name: string;
  readonly cause: number;
  readonly count: number;
  /** Resource (0 = CPU), amount asked for and amount free, one after another. */
  readonly lacking: readonly number[];
  /** Who has what is lacking. */
  readonly holders: readonly { readonly name: string; readonly actors: boolean; readonly count: number }[];
}

/** How full the object store is. */
export interface StoreStats {
  readonly capacity: number;
  readonly used: number;
  readonly pinned: number;
  readonly spilled: number;
  readonly buffers: number;
  readonly views: number;
  readonly spills: number;
  readonly restores: number;
  /** Bytes of values that are no buffers; they count against the capacity. */
  readonly small: number;
}

/** How a pull of the data plane has ended. */
export interface NetEnd {
  readonly ticket: number;
  /**
   * 0 it is here; the node 1 cannot be reached, 2 has another token, 3 speaks another version, 4 is another one; 5 the connection broke; the node
   * 6 does not have the object, 7 has lost it, 8 cannot send it now; 9 it has another length; 10 a checksum was wrong; here is 11 no
   * room, 12 no memory; 13 the data plane was stopped.
   */
  readonly kind: number;
  /** Why; empty if it is here. */
  readonly text: string;
  /** Of 1 to 5: bytes that have come in whole ranges and wait for the next pull of that name. */
  readonly got: number;
  /** One after another: a buffer, with one reference, and the crc32 of its bytes. */
  readonly buffers: readonly number[];
  /** The bytes of each buffer. */
  readonly lengths: readonly number[];
}
