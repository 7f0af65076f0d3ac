import { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, createSecureContext, TLSSocket } from 'node:tls';
import { identityOf } from '../proof/certificate.ts';

const OTHER_TOKEN = 'ERR_OTHER_CERTIFICATE';

/** Whether a TLS handshake failed because the peer has another certificate. */
export function isOtherToken({ code }: NodeJS.ErrnoException): boolean {
  return code === OTHER_TOKEN || code === 'DEPTH_ZERO_SELF_SIGNED_CERT' || code === 'SELF_SIGNED_CERT_IN_CHAIN';
}

/** How to dial a peer that must have our certificate. */
export function tlsOptions(token: string): ConnectionOptions {
  const { key, certificate } = identityOf(token);
  return {
    minVersion: 'TLSv1.3',
    key,
    cert: certificate,
    ca: [certificate],
    rejectUnauthorized: true,
    // Names say nothing here: the certificate itself must be ours.
    checkServerIdentity: (_host, { raw }) =>
      raw.equals(new X509Certificate(certificate).raw)
        ? undefined
        : Object.assign(new Error('it has another certificate'), { code: OTHER_TOKEN }),
  };
}

/** Runs the listener's side on a socket, and gives the stream if the peer has our certificate. */
export function acceptTls(socket: Socket, token: string, serve: (stream: Duplex) => void): void {
  const { key, certificate } = identityOf(token);
  const stream = new TLSSocket(socket, {
    isServer: true,
    requestCert: true,
    // Not checked by the chain but by `raw` below.
    rejectUnauthorized: false,
    secureContext: createSecureContext({ key, cert: certificate, minVersion: 'TLSv1.3' }),
  });
  stream.on('error', () => socket.destroy());
  stream.once('secure', () => {
    const { raw } = stream.getPeerCertificate();
    if (raw?.equals(new X509Certificate(certificate).raw) === true) serve(stream);
    else socket.destroy();
  });
}
