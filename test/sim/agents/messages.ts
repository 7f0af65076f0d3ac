import type { JobRow, NodeRow } from '../../../src/gcs/tables/members.ts';
import { bytes, flag, list, type MessageRow, type MessageTable, number, text } from '../messages.ts';
import type { Message } from '../program.ts';

const agents = ['node', 'driver'];

/** A frame as it goes over the wire: `transport-table.ts` and `wire/table.ts` of src/ say what is in it. */
function frames(from: readonly string[], to: readonly string[], ...answers: string[]): MessageRow {
  return { from, to, by: 'channel', fields: { frame: bytes }, ...(answers.length > 0 && { answers }) };
}

const between = (...answers: string[]): MessageRow => frames(agents, agents, ...answers);
const toHead = (...answers: string[]): MessageRow => frames(agents, ['head'], ...answers);
const fromHead = (...answers: string[]): MessageRow => frames(['head'], agents, ...answers);
const oneChannel = 'a scheduler ends with its channel';

/**
 * What passes between agents, the head and the scheduler: real frames. A frame of a session is named after one of the entries in
 * it. CLOSE and ROWS stand for what the transport and the control store do.
 */
export const agentMessages: MessageTable = {
  OPEN: between('OPEN'),
  RECEIVED: between(),
  CODE: between('ANSWER'),
  TEMPLATE: between('ANSWER'),
  RUN: between('ANSWER'),
  ANSWER: between('SETTLED'),
  CANCEL: between('ANSWER'),
  SETTLED: between(),
  RUN_NAMED: between('ANSWER'),
  ANSWER_NAMED: between('FETCHED_ENTRY'),
  FETCHED_ENTRY: between(),
  UNNAMED: between(),
  STAYS: between(),
  DROPPED: between(),
  UNPLACED: between(),
  LEAVING: between(),
  WAITS: between(),
  RECALL: between(),
  /** What the data plane does: buffers of a number are asked for. Their connection ends with that of the sessions. */
  FETCH: { from: agents, to: agents, by: 'channel', fields: { ticket: number, number }, answers: ['BUFFERS'] },
  BUFFERS: { from: agents, to: agents, by: 'channel', fields: { ticket: number, bytes: list<Uint8Array>() } },
  REGISTER: toHead('REGISTERED'),
  REPORT: toHead('REPORTED'),
  JOB: toHead('JOB_IS'),
  COMPLAIN: toHead(),
  EXITED: toHead(),
  REQUEST: toHead('GRANTED'),
  REGISTERED: fromHead(),
  REPORTED: fromHead(),
  JOB_IS: fromHead(),
  SUSPECTED: fromHead(),
  GRANTED: fromHead(),
  ASK_ALL: fromHead('REQUEST'),
  SCHEDULER: { ...frames(['scheduler'], ['head'], 'FROM'), oneChannel },
  TO: { ...frames(['scheduler'], ['head']), oneChannel },
  FROM: { ...frames(['head'], ['scheduler'], 'TO'), oneChannel },
  AGAIN: { ...frames(['head'], ['scheduler'], 'TO'), oneChannel },
  /** Tables of nodes and jobs: all rows, or those that have changed. */
  ROWS: {
    from: ['head'],
    to: [...agents, 'scheduler'],
    by: 'channel',
    fields: { whole: flag, nodes: list<NodeRow>(), jobs: list<JobRow>() },
  },
  /** Why a channel ends. */
  CLOSE: {
    from: [...agents, 'head', 'scheduler'],
    to: [...agents, 'head', 'scheduler'],
    by: 'channel',
    fields: { code: text, text },
    once: 'it is the last of its channel',
  },
};

export interface Frame extends Message {
  readonly frame: Uint8Array;
}

export interface Rows extends Message {
  readonly type: 'ROWS';
  readonly whole: boolean;
  readonly nodes: readonly NodeRow[];
  readonly jobs: readonly JobRow[];
}

export interface Close extends Message {
  readonly type: 'CLOSE';
  readonly code: string;
  readonly text: string;
}

export interface Fetch extends Message {
  readonly type: 'FETCH';
  readonly ticket: number;
  readonly number: number;
}

export interface Buffers extends Message {
  readonly type: 'BUFFERS';
  readonly ticket: number;
  readonly bytes: readonly Uint8Array[];
}

export const isFetch = (message: Message): message is Fetch => message.type === 'FETCH';
export const isBuffers = (message: Message): message is Buffers => message.type === 'BUFFERS';
export const isRows = (message: Message): message is Rows => message.type === 'ROWS';
export const isClose = (message: Message): message is Close => message.type === 'CLOSE';
