// The suites of the store of networks on a real etcd. The outages have an etcd of their own each, behind a proxy.

import test, { type ExecutionContext } from 'ava';
import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { prefixEnd, textOf } from '../../src/etcd/kv.js';
import { startEtcd, type LabEtcd } from '../../src/lab/etcd.js';
import { freePorts } from '../../src/lab/ports.js';
import { EtcdNetworkStore } from '../../src/subnet/etcd-network-store.js';
import { testParts } from '../helpers/etcd-log.js';
import { TcpProxy } from '../helpers/etcd-proxy.js';
import { etcdBinary, etcdctl, hasEtcd } from '../helpers/etcd.js';
import { networkOutageContract, type NetworkOutageHarness } from './network-store-outage.js';
import { vniContract } from './network-store-vnis.js';
import { networkStoreContract, type NetworkStoreHarness, type RawKeys } from './network-store.js';

let shared: LabEtcd | undefined;
let count = 0;

test.after.always(() => shared?.stop());

networkStoreContract(test, open);
vniContract(test, open);
networkOutageContract(test, openOutage);

async function open(t: ExecutionContext): Promise<NetworkStoreHarness | undefined> {
  if (!hasEtcd(t)) return undefined;
  shared ??= await startEtcd({ binary: etcdBinary() });
  const client = clientFor(t, shared.endpoint);
  const store = new EtcdNetworkStore({ ...testParts(), client });
  return { store, root: `/test/${count++}`, raw: rawKeys(() => client) };
}

function clientFor(t: ExecutionContext, endpoint: string): EtcdClient {
  const client = new EtcdClient({ endpoints: parseEndpoints(endpoint) }, testParts());
  t.teardown(() => {
    client.close();
  });
  return client;
}

function rawKeys(client: () => EtcdClient): RawKeys {
  return {
    get: async (key) => {
      const found = (await client().kv.range({ key })).keys[0];
      return found === undefined ? undefined : textOf(found.value);
    },
    put: async (key, value) => {
      await client().kv.put(key, value);
    },
    fill: async (keys) => {
      for (let first = 0; first < keys.length; first += 100) {
        const success = keys
          .slice(first, first + 100)
          .map((key) => ({ type: 'put', key, value: '{}' }) as const);
        await client().kv.transaction('fill', { compare: [], success });
      }
    },
    delete: async (key) => {
      await client().kv.delete(key);
    },
    deletePrefix: async (prefix) => {
      await client().kv.delete(prefix, prefixEnd(prefix));
    },
  };
}

async function openOutage(t: ExecutionContext): Promise<NetworkOutageHarness | undefined> {
  if (!hasEtcd(t)) return undefined;
  const binary = etcdBinary();
  const [clientPort = 0, peerPort = 0] = await freePorts('127.0.0.1', 2);
  const begin = (): Promise<LabEtcd> => startEtcd({ binary, clientPort, peerPort });
  let etcd = await begin();
  t.teardown(() => etcd.stop());
  const proxy = await TcpProxy.start(etcd.endpoint);
  t.teardown(() => proxy.stop());
  let behind = clientFor(t, etcd.endpoint);
  const store = new EtcdNetworkStore({ ...testParts(), client: clientFor(t, proxy.endpoint) });
  return {
    store,
    root: '/test/networks',
    raw: rawKeys(() => behind),
    cut: () => proxy.refuse(),
    mend: () => proxy.listen(),
    restart: async () => {
      await etcd.kill();
      await etcd.start();
    },
    compact: async () => {
      const { revision } = await behind.kv.range({ key: 'x' });
      await etcdctl(etcd.endpoint, ['compact', String(revision)]);
    },
    wipe: async () => {
      await etcd.stop();
      etcd = await begin();
    },
    replace: async () => {
      await etcd.stop();
      etcd = await startEtcd({ binary });
      proxy.target = etcd.endpoint;
      behind = clientFor(t, etcd.endpoint);
    },
  };
}
