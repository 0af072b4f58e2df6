// A real etcd for a test: started once a file, addressed with etcdctl as an independent witness, and gone afterwards.

import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';

import { startEtcd, type LabEtcd, type LabEtcdOptions } from '../../src/lab/etcd.js';

const run = promisify(execFile);

/** The etcd that is tested against: FLANNELD_TEST_ETCD, else the one on the path. etcdctl is always the system's. */
export function etcdBinary(): string {
  const given = process.env['FLANNELD_TEST_ETCD'] ?? '';
  return given === '' ? 'etcd' : given;
}

/** True when etcd can be run here. Otherwise an error in CI, a logged pass elsewhere. */
export function hasEtcd(t: ExecutionContext): boolean {
  const missing = [etcdBinary(), 'etcdctl', 'setpriv', 'openssl'].filter(
    (tool) => spawnSync('sh', ['-c', 'command -v "$0"', tool]).status !== 0,
  );
  if (missing.length === 0) return true;
  const reason = `this test needs ${missing.join(', ')}: apt-get install etcd-server etcd-client util-linux openssl`;
  if ((process.env['CI'] ?? '') !== '') throw new Error(reason);
  t.log(`not run: ${reason}`);
  t.pass();
  return false;
}

/** An etcd that ends with the test. */
export async function etcdFor(t: ExecutionContext, options: LabEtcdOptions = {}): Promise<LabEtcd> {
  const etcd = await startEtcd({ binary: etcdBinary(), ...options });
  t.teardown(() => etcd.stop());
  return etcd;
}

/** Runs etcdctl against an endpoint; `input` becomes its standard input. Returns what it prints. */
export async function etcdctl(
  endpoint: string,
  words: readonly string[],
  input?: string | Uint8Array,
): Promise<string> {
  const child = run('etcdctl', ['--endpoints', endpoint, ...words], {
    env: { ...process.env, ETCDCTL_API: '3' },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 20_000,
  });
  // It may end without reading what it does not need.
  child.child.stdin?.on('error', () => undefined).end(input ?? '');
  return (await child).stdout;
}
