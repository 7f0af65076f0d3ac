import { Op, Result } from '../../../../src/gcs/shard/index.ts';
import { OP_HEADER } from '../../../../src/gcs/shard/operations.ts';
import type { OpResult } from '../../../../src/gcs/shard/results.ts';

export interface OracleRecord {
  readonly value: string;
  readonly seq: number;
}

/** What the plain operations mean, in a few lines. */
export class Oracle {
  /** By table and key. */
  readonly records = new Map<string, OracleRecord>();

  /** Carries out the operations of a batch; gives what is not plain OK. */
  run(firstSeq: number, ops: Buffer): OpResult[] {
    const results: OpResult[] = [];
    let effects = 0;
    for (let at = 0, number = 0; at < ops.length; number++) {
      const keyLength = ops.readUInt16LE(at + 2);
      const payloadLength = ops.readUInt32LE(at + 4);
      const key = `${ops[at + 1]} ${ops.toString('latin1', at + OP_HEADER, at + OP_HEADER + keyLength)}`;
      const start = at + OP_HEADER + keyLength;
      const answer = (code: number, n: number | null) => results.push({ op: number, code, number: n });
      const value = ops.toString('latin1', start, start + payloadLength);
      const seq = this.records.get(key)?.seq ?? 0;
      const expected = ops.readDoubleLE(at + 8);
      const op = ops[at] ?? 0;
      if (op === Op.add && seq > 0) answer(Result.exists, seq);
      else if ((op === Op.cas || op === Op.casDelete) && seq !== expected) answer(Result.conflict, seq);
      else if (op === Op.delete || op === Op.casDelete) {
        if (seq === 0) answer(Result.none, null);
        else effects += 1;
        this.records.delete(key);
      } else {
        effects += 1;
        this.records.set(key, { value, seq: firstSeq + effects });
        if (op !== Op.put) answer(Result.written, firstSeq + effects);
      }
      at = start + payloadLength;
    }
    return results;
  }
}
