import { availableParallelism } from 'node:os';
import { type ActorHandle, get, kill, type ObjectRef } from '../../../index.ts';
import type { Case } from '../case.ts';
import { type Actor, Actors, type AsyncActor, AsyncActors, Clients, ClientsWithArg, work } from '../remotes.ts';

/** Half of the processors, as Ray's benchmark has it; at least one. */
const SERVERS = Math.max(1, Math.floor(availableParallelism() / 2));
const CALLS = 1000;
const CALLS_PER_SERVER = 5000;
const CALLERS = 4;

/** Kills actors, so that the next case has the machine to itself. */
export async function endActors(handles: readonly object[]): Promise<void> {
  await Promise.all(handles.map((handle) => kill(handle)));
}

type Server = ActorHandle<typeof Actor> | ActorHandle<typeof AsyncActor>;

/** One call at a time. */
function sync(name: string, start: () => Server): Case {
  return {
    name,
    multiplier: 1,
    unit: 'calls',
    roundTrip: true,
    by: 'ray',
    setUp: async () => {
      const actor = start();
      return { operation: () => get(actor.smallValue.remote()), end: () => endActors([actor]) };
    },
  };
}

/** 1000 calls, then all of their results. */
function batch<A extends object>(
  name: string,
  start: () => A,
  call: (actor: A, i: number) => ObjectRef<unknown>,
): Case {
  return {
    name,
    multiplier: CALLS,
    unit: 'calls',
    by: 'ray',
    setUp: async () => {
      const actor = start();
      return {
        operation: () => get(Array.from({ length: CALLS }, (_, i) => call(actor, i))),
        end: () => endActors([actor]),
      };
    },
  };
}

/** One actor calls several. */
function oneToMany(name: string, start: () => Server): Case {
  return {
    name,
    multiplier: CALLS_PER_SERVER * SERVERS,
    unit: 'calls',
    by: 'ray',
    setUp: async () => {
      const servers = Array.from({ length: SERVERS }, start);
      const client = Clients.remote(servers);
      return {
        operation: () => get(client.smallValueBatch.remote(CALLS_PER_SERVER)),
        end: () => endActors([client, ...servers]),
      };
    },
  };
}

/** Several tasks call several actors. */
function manyToMany(name: string, start: () => Server): Case {
  return {
    name,
    multiplier: CALLERS * CALLS_PER_SERVER,
    unit: 'calls',
    by: 'ray',
    setUp: async () => {
      const servers = Array.from({ length: SERVERS }, start);
      return {
        operation: () => get(Array.from({ length: CALLERS }, () => work.remote(servers, CALLS_PER_SERVER))),
        end: () => endActors(servers),
      };
    },
  };
}

const withArg: Case = {
  name: 'n:n actor calls with arg async',
  multiplier: CALLS * SERVERS,
  unit: 'calls',
  by: 'ray',
  setUp: async () => {
    const servers = Array.from({ length: SERVERS }, () => Actors.remote());
    const clients = servers.map((server) => ClientsWithArg.remote(server));
    return {
      operation: () => get(clients.map((client) => client.smallValueBatchArg.remote(CALLS))),
      end: () => endActors([...clients, ...servers]),
    };
  },
};

const plain = () => Actors.remote();
/** Ray lets 1000 calls of an async actor be under way unless told otherwise. */
const asynchronous = () => AsyncActors.options({ maxConcurrency: 1000 }).remote();

/** Ray's cases of actors. */
export const actorCases: readonly Case[] = [
  sync('1:1 actor calls sync', plain),
  batch('1:1 actor calls async', plain, (actor) => actor.smallValue.remote()),
  batch(
    '1:1 actor calls concurrent',
    () => Actors.options({ maxConcurrency: 16 }).remote(),
    (actor) => actor.smallValue.remote(),
  ),
  oneToMany('1:n actor calls async', plain),
  manyToMany('n:n actor calls async', plain),
  withArg,
  sync('1:1 async-actor calls sync', asynchronous),
  batch('1:1 async-actor calls async', asynchronous, (actor) => actor.smallValue.remote()),
  batch('1:1 async-actor calls with args async', asynchronous, (actor, i) => actor.smallValueWithArg.remote(i)),
  oneToMany('1:n async-actor calls async', asynchronous),
  manyToMany('n:n async-actor calls async', asynchronous),
];
