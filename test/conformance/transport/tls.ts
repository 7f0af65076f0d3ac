import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { connect as connectSocket } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { isMobulaError } from '../../../src/common/errors.ts';
import { identityOf } from '../../../src/transport/proof/certificate.ts';
import { connect } from '../../../src/transport/websocket/dial.ts';
import { listen } from '../../../src/transport/websocket/listen.ts';
import { tlsOptions } from '../../../src/transport/websocket/tls.ts';
import { until } from '../../support/until.ts';
import { Ear, limit, selfOf, token } from './fabric.ts';

const never = (): never => {
  throw new Error('a peer was accepted that had proven nothing');
};

/** What holds for a listener at `host`, which is not a loopback address. */
export function tlsTests(host: string): void {
  test('one token gives one certificate, everywhere and always', () => {
    const { certificate } = identityOf(token);
    assert.equal(identityOf(token).certificate, certificate);
    assert.notEqual(identityOf('another').certificate, certificate);
    const read = new X509Certificate(certificate);
    assert.equal(read.subject, 'CN=mobula');
    assert.ok(read.verify(read.publicKey));
    assert.ok(read.checkIssued(read));
    assert.equal(read.publicKey.asymmetricKeyType, 'ed25519');
  });

  test('without TLS nothing is answered off loopback but that TLS is needed', limit, async () => {
    const listener = await listen(host, 0, selfOf(), never);
    const said = await new Promise<string>((resolve) => {
      const socket = connectSocket(listener.port, host, () => {
        socket.write('GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      });
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });
    assert.match(said, /^HTTP\/1\.1 426 .*\r\n(?:.*\r\n)*x-mobula-tls: required\r\n/);
    await until(() => listener.unproven === 0);
    await listener.stop();
  });

  test('what is sent over TLS cannot be read on the wire, and it is TLS 1.3', limit, async () => {
    const listener = await listen(host, 0, selfOf(), never);
    const protocol = await new Promise((resolve, reject) => {
      const socket = connectTls({ host, port: listener.port, ...tlsOptions(token) }, () => {
        resolve(socket.getProtocol());
        socket.destroy();
      });
      socket.on('error', reject);
    });
    assert.equal(protocol, 'TLSv1.3');
    const older = new Promise((_, reject) => {
      const options = { ...tlsOptions(token), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
      connectTls({ host, port: listener.port, ...options }).on('error', reject);
    });
    await assert.rejects(older);
    await until(() => listener.unproven === 0);
    await listener.stop();
  });

  test('a peer without our certificate gets no answer', limit, async () => {
    const listener = await listen(host, 0, selfOf(), never);
    for (const { key, certificate } of [{ key: undefined, certificate: undefined }, identityOf('another')]) {
      const said = await new Promise<string>((resolve) => {
        const own = key === undefined ? {} : { key, cert: certificate };
        const socket = connectTls({ host, port: listener.port, rejectUnauthorized: false, ...own }, () => {
          socket.write('GET / HTTP/1.1\r\n\r\n');
        });
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk.toString();
        });
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
      });
      assert.equal(said, '');
    }
    await until(() => listener.unproven === 0);
    await listener.stop();
  });

  test('a listener with another certificate is refused before anything is sent to it', limit, async () => {
    const listener = await listen(host, 0, selfOf({ token: 'another' }), never);
    await assert.rejects(
      connect(host, listener.port, selfOf(), never),
      (error) => isMobulaError(error) && error.code === 'ERR_MOBULA_UNAUTHORIZED',
    );
    await listener.stop();
  });

  test('a listener at all addresses takes both: plain from loopback, TLS from elsewhere', limit, async () => {
    const ears = [new Ear(), new Ear()];
    let n = 0;
    const listener = await listen('0.0.0.0', 0, selfOf(), (channel, peer) => (ears[n++] as Ear).accept(channel, peer));
    for (const at of ['127.0.0.1', host]) await connect(at, listener.port, selfOf(), new Ear().accept);
    await until(() => n === 2);
    await listener.stop();
  });
}
