import { createPrivateKey, createPublicKey, type KeyObject, scryptSync, sign, X509Certificate } from 'node:crypto';

/** A key pair with its certificate. */
export interface Identity {
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
}

/** The DER of an Ed25519 private key, up to its 32 bytes (RFC 8410). */
const PRIVATE_KEY_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** One item of DER: tag, length, contents. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(contents);
  if (body.length < 128) return Buffer.concat([Buffer.from([tag, body.length]), body]);
  if (body.length < 256) return Buffer.concat([Buffer.from([tag, 0x81, body.length]), body]);
  return Buffer.concat([Buffer.from([tag, 0x82, body.length >> 8, body.length & 0xff]), body]);
}

const sequence = (...contents: readonly Uint8Array[]): Buffer => der(0x30, ...contents);
/** Object identifiers: Ed25519 (1.3.101.112) and commonName (2.5.4.3). */
const ED25519 = sequence(der(0x06, Buffer.from([0x2b, 0x65, 0x70])));
const COMMON_NAME = der(0x06, Buffer.from([0x55, 0x04, 0x03]));

/** X.509 version 3, signed by its own key, without an end. Ed25519 has no randomness: the same key gives the same bytes. */
function selfSigned(key: KeyObject): Buffer {
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('mobula')))));
  const time = (text: string): Buffer => der(0x18, Buffer.from(text));
  const facts = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1])),
    ED25519,
    name,
    sequence(time('20000101000000Z'), time('99991231235959Z')),
    name,
    createPublicKey(key).export({ type: 'spki', format: 'der' }),
  );
  return sequence(facts, ED25519, der(0x03, Buffer.from([0]), sign(null, facts, key)));
}

/** All processes of a cluster have one key pair: whoever can use it knows the token. */
let last: { readonly token: string; readonly identity: Identity } | undefined;

/**
 * The key pair of all who know `token`, and its certificate. scrypt makes each guess at a token expensive: a listener shows its
 * certificate to everybody. It is derived once for a token: that takes tens of milliseconds.
 */
export function identityOf(token: string): Identity {
  if (last?.token !== token) last = { token, identity: derive(token) };
  return last.identity;
}

/** Key and certificate as DER. */
export function asDer({ key, certificate }: Identity): { readonly key: Uint8Array; readonly certificate: Uint8Array } {
  return {
    key: createPrivateKey(key).export({ type: 'pkcs8', format: 'der' }),
    certificate: new X509Certificate(certificate).raw,
  };
}

function derive(token: string): Identity {
  const seed = scryptSync(token, 'mobula tls 1', 32, { N: 1 << 15, r: 8, p: 1, maxmem: 64 << 20 });
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_KEY_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const certificate = selfSigned(key).toString('base64').replace(/.{64}/g, '$&\n');
  return {
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificate: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
  };
}
