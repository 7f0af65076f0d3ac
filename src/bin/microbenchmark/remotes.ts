// The remote functions and classes of Ray's microbenchmark (ray/_private/ray_perf.py), under their names there.
import {
  type ActorClass,
  type ActorHandle,
  get,
  type ObjectRef,
  put,
  type RemoteFunction,
  remote,
} from '../../index.ts';

/** Python's b"ok". */
const ok = Uint8Array.of(0x6f, 0x6b);

/** A handle that `Client` and `work` can call. */
interface Server {
  readonly smallValue: { remote(): ObjectRef<Uint8Array> };
}

export const smallValue: RemoteFunction<[], Uint8Array> = remote(() => ok, { name: 'small_value' });

export class Actor {
  smallValue(): Uint8Array {
    return ok;
  }

  smallValueArg(_value: number): Uint8Array {
    return ok;
  }

  async smallValueBatch(n: number): Promise<void> {
    await get(Array.from({ length: n }, () => smallValue.remote()));
  }
}

export class AsyncActor {
  async smallValue(): Promise<Uint8Array> {
    return ok;
  }

  async smallValueWithArg(_value: number): Promise<Uint8Array> {
    return ok;
  }
}

/** Calls other actors. */
export class Client {
  readonly #servers: readonly Server[];

  constructor(servers: readonly Server[]) {
    this.#servers = servers;
  }

  async smallValueBatch(n: number): Promise<void> {
    await get(this.#servers.flatMap((server) => Array.from({ length: n }, () => server.smallValue.remote())));
  }
}

/** Calls another actor, with a ref. */
export class ClientWithArg {
  readonly #server: ActorHandle<typeof Actor>;

  constructor(server: ActorHandle<typeof Actor>) {
    this.#server = server;
  }

  async smallValueBatchArg(n: number): Promise<void> {
    const value = put(0);
    await get(Array.from({ length: n }, () => this.#server.smallValueArg.remote(value)));
  }
}

export const Actors: ActorClass<typeof Actor> = remote(Actor);
export const AsyncActors: ActorClass<typeof AsyncActor> = remote(AsyncActor);
export const Clients: ActorClass<typeof Client> = remote(Client);
export const ClientsWithArg: ActorClass<typeof ClientWithArg> = remote(ClientWithArg);

/** Calls actors in turn. */
export const work: RemoteFunction<[servers: readonly Server[], n: number], Promise<void>> = remote(
  async (servers: readonly Server[], n: number) => {
    const refs: ObjectRef<Uint8Array>[] = [];
    while (refs.length < n) for (const server of servers) refs.push(server.smallValue.remote());
    await get(refs);
  },
  { name: 'work' },
);

export const doPutSmall: RemoteFunction<[], void> = remote(
  () => {
    for (let i = 0; i < 100; i++) put(0)[Symbol.dispose]();
  },
  { name: 'do_put_small' },
);

/** Puts 10 arrays of 80 MiB. Python's refs end where nothing names them any more; here they are told to. */
export const doPut: RemoteFunction<[], void> = remote(
  () => {
    for (let i = 0; i < 10; i++) put(new BigInt64Array(10 * 1024 * 1024))[Symbol.dispose]();
  },
  { name: 'do_put' },
);

export const createObjectContainingRefs: RemoteFunction<[], ObjectRef<number>[]> = remote(
  () => Array.from({ length: 10_000 }, () => put(1)),
  { name: 'create_object_containing_ref' },
);
