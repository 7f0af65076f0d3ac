import type { Host, Protocol, Scenario } from '../scenario.ts';
import type { World } from '../world.ts';
import { type Bug, bugs } from './bugs.ts';
import { Head } from './head.ts';
import { livesOf } from './io.ts';
import { Load } from './load.ts';
import { Member } from './member.ts';
import { agentMessages } from './messages.ts';
import { Scheduler } from './scheduler.ts';

/** CPUs of each node. */
const nodes = [1, 2, 2, 3, 4];

function hosts(bug: Bug | undefined): Host[] {
  const member = (name: string, role: string, slots: number): Host => {
    const program = livesOf((self, io) => new Member(self, io, slots, bug));
    return { name, role, program, mortal: true, disk: false };
  };
  return [
    { name: 'head', role: 'head', program: livesOf((_, io) => new Head(io, bug)), mortal: true, disk: true },
    { name: 'scheduler', role: 'scheduler', program: livesOf((_, io) => new Scheduler(io)), mortal: true, disk: false },
    ...nodes.map((slots, i) => member(`node${i + 1}`, 'node', slots)),
    member('driver1', 'driver', 0),
    member('driver2', 'driver', 0),
  ];
}

/** Tasks of two drivers on five nodes, by way of their agents. */
export const agentsProtocol: Protocol = {
  name: 'agents',
  messages: agentMessages,
  times: { failing: 6000, patience: 60_000 },
  least: { messages: 3_000, faults: 10 },
  bugs,
  scenario(world: World, bug): Scenario {
    const known = bugs.find((name) => name === bug);
    return Object.assign(new Load(world), { hosts: hosts(known) });
  },
};
