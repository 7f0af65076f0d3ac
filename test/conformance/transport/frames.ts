import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMobulaError } from '../../../src/common/errors.ts';
import { CLOSE_MS, FRAME_BYTES, FRAME_COST, UNSENT_BYTES, WAIT_BYTES } from '../../../src/transport/limits.ts';
import { until } from '../../support/until.ts';
import { Ear, type Fabric, limit, pair, selfOf } from './fabric.ts';

/** A frame of `size` bytes that no other `n` gives. */
function frameOf(n: number, size: number): Uint8Array {
  const frame = new Uint8Array(size).fill(n % 251);
  new DataView(frame.buffer).setUint32(0, n);
  return frame;
}
const numberIn = (frame: Uint8Array): number => new DataView(frame.buffer, frame.byteOffset).getUint32(0);

/** What holds for frames on any channel. */
export function frameTests(name: string, fabric: () => Fabric): void {
  test(`${name}: frames of 0 bytes to the limit arrive whole and in order, both ways`, limit, async () => {
    const { listener, near, far } = await pair(fabric());
    const sizes = [0, 1, 2, 125, 126, 127, 4096, 65_535, 65_536, 300_000, FRAME_BYTES];
    const frames = sizes.map((size) => Uint8Array.from({ length: size }, (_, i) => (i * 7 + size) & 0xff));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      for (const frame of frames) from.channel.send(frame);
      await until(() => to.frames.length === frames.length);
      assert.deepEqual(
        to.frames.map((frame) => frame.length),
        sizes,
      );
      for (const [i, frame] of frames.entries()) assert.ok(Buffer.compare(to.frames[i] as Uint8Array, frame) === 0);
    }
    await listener.stop();
  });

  test(`${name}: 20 000 frames each way at once arrive in order`, limit, async () => {
    const { listener, near, far } = await pair(fabric());
    const count = 20_000;
    const send = async (ear: Ear): Promise<void> => {
      for (let n = 0; n < count; n += 1) {
        const { drains } = ear;
        if (!ear.channel.send(frameOf(n, 4 + (n % 200)))) await until(() => ear.drains > drains);
        if (n % 500 === 0) await new Promise(setImmediate);
      }
    };
    await Promise.all([send(near), send(far)]);
    for (const ear of [near, far]) {
      await until(
        () => ear.frames.length === count,
        () => `${ear.frames.length} came`,
      );
      assert.ok(ear.frames.every((frame, n) => numberIn(frame) === n && frame.length === 4 + (n % 200)));
    }
    await listener.stop();
  });

  test(
    `${name}: a frame longer than the limit is refused by a typed error, and the channel goes on`,
    limit,
    async () => {
      const { listener, near, far } = await pair(fabric());
      assert.throws(
        () => near.channel.send(new Uint8Array(FRAME_BYTES + 1)),
        (error) =>
          isMobulaError(error) && error.code === 'ERR_MOBULA_FRAME' && error.message.includes(`${FRAME_BYTES}`),
      );
      near.channel.send(frameOf(1, 10));
      await until(() => far.frames.length === 1);
      assert.equal(near.channel.unsent >= 0, true);
      await listener.stop();
    },
  );

  test(
    `${name}: what was sent before close arrives, then both ends learn the reason, and nothing follows`,
    limit,
    async () => {
      const { listener, near, far } = await pair(fabric());
      const count = 200;
      for (let n = 0; n < count; n += 1) near.channel.send(frameOf(n, 1000));
      near.channel.close('replaced', 'another channel is there');
      assert.equal(near.channel.send(frameOf(count, 4)), false);
      for (let n = 0; n < 5; n += 1) far.channel.send(frameOf(n, 4));
      assert.deepEqual(await near.closed, { code: 'replaced', text: 'another channel is there', by: 'us' });
      assert.deepEqual(await far.closed, { code: 'replaced', text: 'another channel is there', by: 'peer' });
      assert.deepEqual(
        far.frames.map(numberIn),
        Array.from({ length: count }, (_, n) => n),
      );
      assert.equal(near.frames.length, 0);
      near.channel.close('done', 'again');
      await listener.stop();
    },
  );

  test(`${name}: a peer that never reads costs a heedless sender the channel, at 4 MiB`, limit, async () => {
    const far = new Ear();
    const listener = await fabric().listen(selfOf(), far.accept);
    const deaf = await fabric().deaf(listener, selfOf(), () => {});
    let most = 0;
    let sent = 0;
    const frame = new Uint8Array(60_000);
    let closed = false;
    void far.closed.then(() => {
      closed = true;
    });
    while (!closed) {
      far.channel.send(frame);
      sent += 1;
      most = Math.max(most, far.channel.unsent);
      if (sent % 16 === 0) await new Promise(setImmediate);
      assert.ok(sent < 10_000, `${most} bytes`);
    }
    assert.equal((await far.closed).code, 'unread');
    assert.ok(most > WAIT_BYTES && most <= UNSENT_BYTES, `${most} bytes`);
    assert.equal(far.channel.send(frame), false);
    assert.equal(far.channel.unsent, 0);
    deaf.end();
    await listener.stop();
  });

  test(`${name}: frames of one byte that nobody reads are counted with what they cost`, limit, async () => {
    const far = new Ear();
    const listener = await fabric().listen(selfOf(), far.accept);
    const deaf = await fabric().deaf(listener, selfOf(), () => {});
    // Of a kind that fills the buffers of the operating system at once.
    while (far.channel.send(new Uint8Array(60_000))) await new Promise(setImmediate);
    const frame = new Uint8Array(1);
    let sent = 0;
    let closed = false;
    void far.closed.then(() => {
      closed = true;
    });
    for (; !closed; sent += 1) {
      far.channel.send(frame);
      if (sent % 64 === 0) await new Promise(setImmediate);
      assert.ok(sent < UNSENT_BYTES);
    }
    assert.equal((await far.closed).code, 'unread');
    // uWebSockets.js keeps bytes in one buffer, where frames cost nothing more.
    if (name !== 'uWebSockets.js') assert.ok(sent <= (UNSENT_BYTES - WAIT_BYTES) / FRAME_COST + 64, `${sent}`);
    deaf.end();
    await listener.stop();
  });

  test(`${name}: a sender that waits when it is asked to loses nothing to a peer that reads late`, limit, async () => {
    const far = new Ear();
    const heard: Uint8Array[] = [];
    const listener = await fabric().listen(selfOf(), far.accept);
    const deaf = await fabric().deaf(listener, selfOf(), (frame) => heard.push(frame));
    const count = 400;
    let n = 0;
    while (far.channel.send(frameOf(n, 50_000))) {
      n += 1;
      assert.ok(n < 10_000);
      await new Promise(setImmediate);
    }
    n += 1;
    assert.ok(far.channel.unsent >= WAIT_BYTES && far.channel.unsent < 2 * WAIT_BYTES);
    assert.equal(far.drains, 0);
    deaf.hear();
    await until(
      () => far.drains === 1,
      () => 'it was not told to go on',
    );
    for (; n < count; n += 1) {
      const { drains } = far;
      if (!far.channel.send(frameOf(n, 50_000))) await until(() => far.drains > drains);
    }
    await until(
      () => heard.length === n,
      () => `${heard.length} of ${n} came`,
    );
    assert.ok(heard.every((frame, i) => numberIn(frame) === i));
    deaf.end();
    await listener.stop();
  });

  test(`${name}: a channel closes although its peer does not answer`, limit, async () => {
    const far = new Ear();
    const listener = await fabric().listen(selfOf(), far.accept);
    const deaf = await fabric().deaf(listener, selfOf(), () => {});
    for (let n = 0; n < 30; n += 1) far.channel.send(new Uint8Array(100_000));
    far.channel.close('dead', 'the node is dead');
    await fabric().pass(CLOSE_MS);
    assert.equal((await far.closed).code, 'dead');
    deaf.end();
    await listener.stop();
  });

  test(`${name}: a connection that breaks is told to both ends as lost`, limit, async () => {
    const [near, far] = [new Ear(), new Ear()];
    const listener = await fabric().listen(selfOf(), far.accept);
    const cut = await fabric().connectToCut(listener, selfOf(), near.accept);
    near.channel.send(frameOf(1, 8));
    await until(() => far.frames.length === 1);
    cut();
    assert.equal((await near.closed).code, 'lost');
    assert.equal((await far.closed).code, 'lost');
    assert.equal(near.channel.send(frameOf(2, 8)), false);
    await listener.stop();
  });

  test(`${name}: a process can leave and come back a hundred times`, limit, async () => {
    const ears: Ear[] = [];
    const listener = await fabric().listen(selfOf(), (channel, peer) => {
      const ear = new Ear();
      ears.push(ear);
      return ear.accept(channel, peer);
    });
    const self = selfOf();
    for (let n = 0; n < 100; n += 1) {
      const near = new Ear();
      await fabric().connect(listener, self, near.accept);
      near.channel.send(frameOf(n, 4));
      near.channel.close('done', 'done');
      await near.closed;
      const far = ears[n] as Ear;
      assert.equal((await far.closed).code, 'done');
      assert.deepEqual(far.frames.map(numberIn), [n]);
      assert.equal(far.peer.nodeId, self.nodeId);
    }
    assert.equal(listener.unproven, 0);
    await listener.stop();
  });

  test(`${name}: a handler that finds a frame malformed ends the channel, and only that`, limit, async () => {
    const { listener, near, far } = await pair(fabric());
    const { malformed } = await import('../../../src/transport/errors.ts');
    const other = new Ear();
    await fabric().connect(listener, selfOf(), (channel, peer) => ({
      ...other.accept(channel, peer),
      frame: () => {
        throw malformed('not a message');
      },
    }));
    far.channel.send(frameOf(1, 8));
    assert.equal((await other.closed).code, 'protocol');
    assert.equal(near.channel.send(frameOf(2, 8)), true);
    await listener.stop();
  });
}
