import type { World } from '../world.ts';
import { Head } from './head.ts';
import { nodeIdOf } from './io.ts';
import { Member } from './member.ts';

/** What is left in the cluster although all is settled; `undefined`: nothing. */
export function remains(world: World): string | undefined {
  const members = world.scenario.hosts.flatMap(({ name }) => {
    const state = world.process(name)?.life.state;
    return state instanceof Member ? [state] : [];
  });
  const head = world.process('head')?.life.state;
  if (!(head instanceof Head)) return 'the head';
  const living = new Set(
    world.scenario.hosts.flatMap(({ name }) => {
      const process = world.process(name);
      return process === undefined ? [] : [nodeIdOf(process.self)];
    }),
  );
  for (const [node, { alive }] of head.store.nodes) {
    if (alive !== living.has(node) && alive) return `${node}, which is dead, lives in the table`;
  }
  for (const node of living) {
    const isMember = members.some((member) => member.node === node);
    if (isMember && head.store.nodes.get(node)?.alive !== true) return `${node} is not in the table`;
  }
  for (const { job, driver, ended } of head.store.jobs.values()) {
    if (!living.has(driver) && !ended) return `job ${job}, whose driver ${driver} is dead`;
    const late = members.find(({ agent }) => ended && !agent.jobs.isOver(job));
    if (late !== undefined) return `job ${job}, of which ${late.node} does not know that it is over`;
  }
  for (const member of members) {
    const left = remainsOf(member, living);
    if (left !== undefined) return `${left} at ${member.node}`;
  }
  return undefined;
}

function remainsOf({ agent, sessions }: Member, living: ReadonlySet<string>): string | undefined {
  const { state, core } = agent.submitting;
  const counts = {
    flights: state.flights.size,
    lines: state.lines.size + core.lines.size,
    'tasks that follow': state.followers,
    'tasks of others': agent.running.size,
    attempts: agent.executor.size,
    'kept results': agent.executor.objects.size,
    places: agent.submitting.places.size + core.away.size,
    'refs of the program': agent.submitting.reading.size,
    buffers: agent.buffers,
  };
  for (const [what, count] of Object.entries(counts)) if (count !== 0) return `${count} ${what}`;
  for (const peer of sessions.state.live.keys()) if (!living.has(peer)) return `a session with ${peer}, which is dead`;
  for (const peer of sessions.state.ended.keys()) {
    if (living.has(peer)) return `a session that has ended with ${peer}, which lives`;
  }
  return undefined;
}
