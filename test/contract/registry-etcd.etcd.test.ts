// The registry contract on a real etcd, with etcdctl as the witness of what is stored.

import test from 'ava';

import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { startEtcd, type LabEtcd } from '../../src/lab/etcd.js';
import { EtcdRegistry } from '../../src/subnet/etcd-registry.js';
import { testParts } from '../helpers/etcd-log.js';
import { etcdBinary, etcdctl, hasEtcd } from '../helpers/etcd.js';
import { registryContract, type RawStore } from './registry.js';

let etcd: LabEtcd | undefined;
let count = 0;

test.after.always(() => etcd?.stop());

registryContract(test, async (t) => {
  if (!hasEtcd(t)) return undefined;
  etcd ??= await startEtcd({ binary: etcdBinary() });
  const prefix = `/test/${count++}`;
  const parts = testParts();
  const client = new EtcdClient({ endpoints: parseEndpoints(etcd.endpoint) }, parts);
  // The doubled and trailing slashes are to be cleaned away.
  const registry = new EtcdRegistry({ client, prefix: `/${prefix}/`, logger: parts.logger });
  return { registry, prefix, raw: rawStore(etcd.endpoint), pass: () => Promise.resolve() };
});

function rawStore(endpoint: string): RawStore {
  return {
    get: async (key) => {
      const answer = await etcdctl(endpoint, ['get', key, '-w', 'json']);
      const [found] = (JSON.parse(answer) as { kvs?: { value?: string }[] }).kvs ?? [];
      if (found === undefined) return undefined;
      // The number in the JSON is too long for JSON.parse.
      const lease = BigInt(/"lease":(\d+)/.exec(answer)?.[1] ?? 0);
      return { value: Buffer.from(found.value ?? '', 'base64').toString(), lease };
    },
    put: async (key, value, lease = 0n) => {
      // etcdctl takes the value from its standard input, which may be anything but empty.
      const words = ['put', '--lease', lease.toString(16), key];
      await etcdctl(endpoint, value.length === 0 ? [...words, ''] : words, value);
    },
    delete: async (key) => {
      await etcdctl(endpoint, ['del', key]);
    },
    revoke: async (lease) => {
      await etcdctl(endpoint, ['lease', 'revoke', lease.toString(16)]);
    },
    compact: async (revision) => {
      const answer = await etcdctl(endpoint, ['get', 'x', '-w', 'json']);
      const present = /"revision":(\d+)/.exec(answer)?.[1] ?? '0';
      await etcdctl(endpoint, ['compact', String(revision ?? present)]);
    },
  };
}
