import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../../src/common/error-codes.ts';
import { isMobulaError } from '../../../src/common/errors.ts';
import { PROTOCOL, UNPROVEN_BYTES, UNPROVEN_MS, UNPROVEN_PEERS } from '../../../src/transport/limits.ts';
import { encode } from '../../../src/transport/messages/message.ts';
import { transportTable } from '../../../src/transport/messages/transport-table.ts';
import { Random } from '../../support/random.ts';
import { until } from '../../support/until.ts';
import { Ear, type Fabric, limit, selfOf, token } from './fabric.ts';

const is =
  (code: ErrorCode, pattern: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(isMobulaError(error), `${error}`);
    assert.equal(error.code, code);
    assert.match(error.message, pattern);
    return true;
  };
const never = (): never => {
  throw new Error('a peer was accepted that had proven nothing');
};

/** What holds before the token is proven. */
export function proofTests(name: string, fabric: () => Fabric): void {
  test(`${name}: a wrong token is refused by a typed error that says where tokens come from`, limit, async () => {
    const listener = await fabric().listen(selfOf(), never);
    await assert.rejects(
      fabric().connect(listener, selfOf({ token: 'another' }), never),
      is('ERR_MOBULA_UNAUTHORIZED', /MOBULA_AUTH_TOKEN.*auth_token/),
    );
    await until(() => listener.unproven === 0);
    await listener.stop();
  });

  test(`${name}: both ends learn who the other one is`, limit, async () => {
    const far = new Ear();
    const near = new Ear();
    const [server, client] = [selfOf(), selfOf({ version: '0.1.1' })];
    const listener = await fabric().listen(server, far.accept);
    await fabric().connect(listener, client, near.accept);
    await until(() => far.peer !== undefined);
    assert.deepEqual(near.peer, { nodeId: server.nodeId, version: '0.1.0' });
    assert.deepEqual(far.peer, { nodeId: client.nodeId, version: '0.1.1' });
    await listener.stop();
  });

  test(`${name}: the token never crosses the wire, and no two challenges are alike`, limit, async () => {
    const listener = await fabric().listen(selfOf(), never);
    const challenges = new Set<string>();
    for (let n = 0; n < 20; n += 1) {
      const raw = await fabric().raw(listener);
      const challenge = Buffer.from(await raw.first);
      assert.equal(challenge[0], transportTable.CHALLENGE.number);
      assert.equal(challenge.includes(token), false);
      challenges.add(challenge.subarray(2, 34).toString('hex'));
      raw.end();
    }
    assert.equal(challenges.size, 20);
    await listener.stop();
  });

  test(`${name}: another version is refused with one line: who, which, what to do`, limit, async () => {
    const listener = await fabric().listen(selfOf(), never);
    const raw = await fabric().raw(listener);
    raw.send(Uint8Array.of(transportTable.PROOF.number, PROTOCOL + 1, 0, 0));
    const { code, text } = await raw.closed;
    assert.equal(code, 'version');
    assert.match(text, /protocol 2; this is mobula 0\.1\.0 with protocol 1/);
    assert.equal(text.includes('\n'), false);
    await listener.stop();
  });

  test(`${name}: garbage before the proof ends that connection and nothing else (seeds 1 … 200)`, limit, async () => {
    const far = new Ear();
    const listener = await fabric().listen(selfOf(), far.accept);
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = new Random(seed);
      const raw = await fabric().raw(listener);
      const frame = Uint8Array.from({ length: random.below(200) }, () => random.below(256));
      // Half of them look like messages.
      if (seed % 2 === 0 && frame.length > 1) frame.set([1 + random.below(11), PROTOCOL]);
      raw.send(frame);
      const { code } = await raw.closed;
      assert.ok(['protocol', 'version', 'unauthorized'].includes(code), `seed ${seed}: ${code}`);
    }
    const near = new Ear();
    await fabric().connect(listener, selfOf(), near.accept);
    await listener.stop();
  });

  test(`${name}: more than ${UNPROVEN_BYTES} bytes before the proof end the connection`, limit, async () => {
    const listener = await fabric().listen(selfOf(), never);
    const raw = await fabric().raw(listener);
    raw.send(new Uint8Array(UNPROVEN_BYTES + 1).fill(PROTOCOL));
    assert.ok(['protocol', 'lost'].includes((await raw.closed).code));
    await listener.stop();
  });

  test(`${name}: a proof of another connection proves nothing`, limit, async () => {
    const listener = await fabric().listen(selfOf(), never);
    const raw = await fabric().raw(listener);
    const { nodeId, version } = selfOf();
    const proof = new Uint8Array(32).fill(7);
    raw.send(encode(transportTable.PROOF, { nonce: new Uint8Array(32), nodeId, version, proof }));
    assert.equal((await raw.closed).code, 'unauthorized');
    await listener.stop();
  });

  test(
    `${name}: 1 000 connections that never prove the token keep nobody out, and ${UNPROVEN_PEERS} stay`,
    limit,
    async () => {
      const far = new Ear();
      const listener = await fabric().listen(selfOf(), far.accept);
      const raws = [];
      let most = 0;
      for (let n = 0; n < 1000; n += 1) {
        raws.push(await fabric().raw(listener));
        most = Math.max(most, listener.unproven);
      }
      await until(
        () => listener.unproven === UNPROVEN_PEERS,
        () => `${listener.unproven}`,
      );
      assert.equal(most, UNPROVEN_PEERS);
      const near = new Ear();
      await fabric().connect(listener, selfOf(), near.accept);
      near.channel.send(Uint8Array.of(1));
      await until(() => far.frames.length === 1);
      assert.ok(listener.unproven < UNPROVEN_PEERS);
      const gone = (raws[0] as (typeof raws)[number]).closed;
      assert.ok(['crowded', 'lost'].includes((await gone).code));
      for (const raw of raws) raw.end();
      await until(() => listener.unproven === 0);
      await listener.stop();
    },
  );

  test(`${name}: a connection that proves nothing in 5 s is closed`, limit, async () => {
    const listener = await fabric().listen(selfOf(), never);
    const raw = await fabric().raw(listener);
    await raw.first;
    assert.equal(listener.unproven, 1);
    await fabric().pass(UNPROVEN_MS);
    assert.equal((await raw.closed).code, 'slow');
    assert.equal(listener.unproven, 0);
    await listener.stop();
  });

  test(`${name}: a listener that stops ends its channels and frees its port`, limit, async () => {
    const far = new Ear();
    const near = new Ear();
    const listener = await fabric().listen(selfOf(), far.accept);
    await fabric().connect(listener, selfOf(), near.accept);
    const raw = await fabric().raw(listener);
    await assert.rejects(fabric().listen(selfOf(), never, listener.port), is('ERR_MOBULA_CONNECTION', /--port/));
    await listener.stop();
    assert.equal((await near.closed).code, 'stopped');
    assert.equal((await far.closed).code, 'stopped');
    await raw.closed;
    await assert.rejects(fabric().connect(listener, selfOf(), never), is('ERR_MOBULA_CONNECTION', /nobody listens/));
    if (fabric().freesPort === false) return;
    const again = await fabric().listen(selfOf(), never, listener.port);
    await again.stop();
  });
}
