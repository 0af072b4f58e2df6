// Reads the certificate files of the etcd connection. It does not check what is in them: OpenSSL does, at the
// first connection, and its complaint reaches the operator as an EtcdError with code `tls`.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

import { EtcdError } from './errors.js';

/** Paths of PEM files. A CA alone verifies the server; certificate and key (both or neither) are the client's. */
export interface TlsFiles {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface TlsMaterial {
  /** undefined: the system's roots. */
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  /** Equal when the contents are; tells nothing of them. */
  readonly fingerprint: string;
}

/**
 * Reads the files anew, so that renewed certificates take effect with the next connection.
 * Throws EtcdError `tls` that names the file; `endpoint` is only for that message.
 */
export async function loadTls(files: TlsFiles, endpoint: string): Promise<TlsMaterial> {
  if ((files.certFile === undefined) !== (files.keyFile === undefined)) {
    const [given, missing] = files.certFile === undefined ? ['key', 'certificate'] : ['certificate', 'key'];
    throw new EtcdError('tls', 'load', endpoint, `a client ${given} is given without its ${missing}`);
  }
  const [ca, cert, key] = await Promise.all([
    readPem('CA', files.caFile, endpoint),
    readPem('client certificate', files.certFile, endpoint),
    readPem('client key', files.keyFile, endpoint),
  ]);
  return { ca, cert, key, fingerprint: fingerprintOf([ca, cert, key]) };
}

function fingerprintOf(contents: readonly (Buffer | undefined)[]): string {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(`${content?.length ?? -1}:`).update(content ?? '');
  return hash.digest('hex');
}

async function readPem(
  what: string,
  file: string | undefined,
  endpoint: string,
): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EtcdError('tls', 'load', endpoint, `the ${what} file ${file} cannot be read: ${reason}`, {
      cause,
    });
  }
  // Node takes a file without any certificate as "trust nobody", with a message that names no file.
  if (!content.includes('-----BEGIN ')) {
    throw new EtcdError('tls', 'load', endpoint, `the ${what} file ${file} holds no PEM block`);
  }
  return content;
}
