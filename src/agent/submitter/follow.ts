/** Tasks that go to the node where their arguments are being made, before these are there. */
import type { Amounts, Ask } from '../ports.ts';
import type { Submitter, SubmitterEffect, SubmitterEvent } from './state.ts';

type Follower = Extract<SubmitterEvent, { kind: 'follower' }>;

/** A task follows its makers if these are at one node, and ask for the same as it does. Else it waits in the core. */
export function follow(state: Submitter, event: Follower): readonly SubmitterEffect[] {
  const { index, generation, attempt, mayRepeat } = event;
  state.openedFollowers -= 1;
  const ask = askOf(state, event.ask);
  const flights = event.makers.map((maker) => {
    const flight = state.flights.get(maker.index);
    return flight?.generation === maker.generation ? flight : undefined;
  });
  const node = flights[0]?.node;
  const together = flights.every((flight) => flight?.node === node && flight !== undefined && likeAsk(flight.ask, ask));
  // What is too large fails once its arguments are there.
  if (node === undefined || !together || event.tooLarge || state.leaving.has(node))
    return [{ kind: 'give-back', index }];
  state.followers += 1;
  state.flights.set(index, { generation, attempt, node, ask, line: undefined, makers: event.makers, mayRepeat });
  return [{ kind: 'send', node }];
}

/** Tasks that follow one another have mostly the same. */
function askOf({ byAsk, lastAsk }: Submitter, text: string): Ask {
  if (lastAsk.ask === undefined || lastAsk.text !== text) {
    lastAsk.ask = byAsk.get(text)?.ask ?? (JSON.parse(text) as Ask);
    lastAsk.text = text;
  }
  return lastAsk.ask;
}

function likeAsk(one: Ask, other: Ask): boolean {
  if (one.strategy !== 'default' || other.strategy !== 'default') return false;
  return one === other || (one.job === other.job && sameAmounts(one.demand, other.demand));
}

function sameAmounts(one: Amounts, other: Amounts): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
