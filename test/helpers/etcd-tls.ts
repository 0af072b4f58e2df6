// Certificates for a test, made with openssl: a CA, a server for 127.0.0.1 and localhost, two clients, another CA.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

export interface TestCertificates {
  readonly ca: string;
  readonly otherCa: string;
  readonly serverCert: string;
  readonly serverKey: string;
  readonly clientCert: string;
  readonly clientKey: string;
  /** The client's next ones, of the same CA. */
  readonly renewedCert: string;
  readonly renewedKey: string;
  readonly directory: string;
}

/** Makes them in a directory that goes with the test. */
export function makeCertificates(t: ExecutionContext): TestCertificates {
  const directory = mkdtempSync(join(tmpdir(), 'flanneld-tls-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const at = (name: string): string => join(directory, name);
  const openssl = (...words: string[]): void => {
    execFileSync('openssl', words, { cwd: directory, stdio: 'pipe' });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  for (const name of ['ca', 'other-ca']) {
    openssl(
      'req',
      '-x509',
      ...key,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.pem`,
    );
  }
  const leaf = (name: string, extension: string): void => {
    writeFileSync(at(`${name}.ext`), extension);
    openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`);
    openssl(
      ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
      ...['-days', '2', '-extfile', `${name}.ext`, '-out', `${name}.pem`],
    );
  };
  leaf('server', 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n');
  leaf('client', 'extendedKeyUsage=clientAuth\n');
  leaf('renewed', 'extendedKeyUsage=clientAuth\n');
  return {
    ca: at('ca.pem'),
    otherCa: at('other-ca.pem'),
    serverCert: at('server.pem'),
    serverKey: at('server.key'),
    clientCert: at('client.pem'),
    clientKey: at('client.key'),
    renewedCert: at('renewed.pem'),
    renewedKey: at('renewed.key'),
    directory,
  };
}
