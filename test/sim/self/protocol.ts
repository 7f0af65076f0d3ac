import { plainProgram } from '../program.ts';
import type { Host, Protocol, Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { type Bug, bugs } from './bugs.ts';
import { clientState, clientStep } from './client.ts';
import { Load } from './load.ts';
import { selfMessages } from './messages.ts';
import { replicaState, replicaStep } from './replica.ts';
import { writerStep } from './writer.ts';
import { writerState } from './writer-state.ts';

function hosts(bug: Bug | undefined): Host[] {
  const writer = plainProgram(() => writerState(bug), writerStep);
  const replica = plainProgram((self) => replicaState(self, bug), replicaStep);
  const client = plainProgram((self) => clientState(self, bug), clientStep);
  return [
    { name: 'writer', role: 'writer', program: writer, mortal: true, disk: true },
    { name: 'replica1', role: 'replica', program: replica, mortal: true, disk: false },
    { name: 'replica2', role: 'replica', program: replica, mortal: true, disk: false },
    { name: 'client1', role: 'client', program: client, mortal: true, disk: false },
    { name: 'client2', role: 'client', program: client, mortal: true, disk: false },
    { name: 'client3', role: 'client', program: client, mortal: false, disk: false },
  ];
}

/** A small protocol that tests the simulator itself. */
export const selfProtocol: Protocol = {
  name: 'self',
  messages: selfMessages,
  times: { failing: 4000, patience: 10_000 },
  bugs,
  scenario(world: World, bug): Scenario {
    const known = bugs.find((name) => name === bug);
    return Object.assign(new Load(world), { hosts: hosts(known) });
  },
};
