// A real etcd when it is killed, started, and restored from a backup: each test has one of its own.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';

import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { startEtcd, type LabEtcd } from '../../src/lab/etcd.js';
import { EtcdRegistry } from '../../src/subnet/etcd-registry.js';
import { testParts } from '../helpers/etcd-log.js';
import { etcdctl, hasEtcd } from '../helpers/etcd.js';
import { outageContract, type OutageHarness } from './store-outage.js';

const PREFIX = '/test/network';

outageContract(test, async (t) => (hasEtcd(t) ? open(t) : undefined));

async function open(t: ExecutionContext): Promise<OutageHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'flanneld-outage-'));
  let etcd: LabEtcd = await startEtcd();
  t.teardown(async () => {
    await etcd.stop();
    await rm(folder, { recursive: true });
  });
  const { endpoint } = etcd;
  const parts = testParts();
  const client = new EtcdClient({ endpoints: parseEndpoints(endpoint) }, parts);
  const registry = new EtcdRegistry({ client, prefix: PREFIX, logger: parts.logger });
  const snapshot = join(folder, 'snapshot');
  const [data, peer] = [join(folder, 'data'), await peerUrl(endpoint)];
  let restored = false;
  return {
    registry,
    prefix: PREFIX,
    grant: async (ttlSeconds) => {
      const answer = await etcdctl(endpoint, ['lease', 'grant', String(ttlSeconds)]);
      return BigInt(`0x${/lease (\w+) granted/.exec(answer)?.[1] ?? ''}`);
    },
    put: async (key, value, lease = 0n) => {
      await etcdctl(endpoint, ['put', '--lease', lease.toString(16), key, value]);
    },
    get: async (key) => {
      const text = await etcdctl(endpoint, ['get', '--print-value-only', key]);
      return text === '' ? undefined : text.trimEnd();
    },
    revision: async () => {
      const answer = await etcdctl(endpoint, ['get', 'x', '-w', 'json']);
      return BigInt(/"revision":(\d+)/.exec(answer)?.[1] ?? '0');
    },
    halt: () => etcd.kill(),
    start: async () => {
      if (!restored) {
        await etcd.start();
        return;
      }
      await etcd.stop();
      // The last word wins: the same servers on the restored data.
      const clientPort = Number(new URL(endpoint).port);
      const peerPort = Number(new URL(peer).port);
      etcd = await startEtcd({ clientPort, peerPort, extraArguments: ['--data-dir', data] });
    },
    backup: async () => {
      await etcdctl(endpoint, ['snapshot', 'save', snapshot]);
    },
    restore: async () => {
      const cluster = [
        '--name',
        'lab',
        '--initial-cluster',
        `lab=${peer}`,
        '--initial-advertise-peer-urls',
        peer,
      ];
      await promisify(execFile)(
        'etcdctl',
        ['snapshot', 'restore', snapshot, ...cluster, '--data-dir', data],
        {
          env: { ...process.env, ETCDCTL_API: '3' },
        },
      );
      restored = true;
    },
    pass: (seconds) => delay(seconds * 1000),
  };
}

async function peerUrl(endpoint: string): Promise<string> {
  const answer = await etcdctl(endpoint, ['member', 'list']);
  return /http:\/\/[^,\s]+/.exec(answer)?.[0] ?? '';
}
