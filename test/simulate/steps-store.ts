// What happens to the store: outages, compactions, backups, and operators who revoke, delete, overwrite and wipe.

import type { LeaseRecord } from '../../src/subnet/lease.js';
import type { SimCluster } from './sim-cluster.js';
import { kind } from './step.js';
import { LEASES, PREFIX } from './stored.js';
import { milliseconds } from './words.js';
import { configText } from './world.js';

/** The lease a host has by what it was answered; undefined when it has none. */
const leaseOf = (cluster: SimCluster, host: string): LeaseRecord | undefined =>
  cluster.host(host).life?.belief.record;

/** Nobody reaches it, and no lease runs out: etcd counts their time anew when it is back. */
function down(cluster: SimCluster, time: string): void {
  cluster.store.halt();
  for (const host of cluster.hosts) host.cut();
  cluster.etcdDown++;
  cluster.later(milliseconds(time), () => {
    if (--cluster.etcdDown === 0) cluster.store.start();
    for (const host of cluster.hosts) host.heal();
  });
}

function revoke(cluster: SimCluster, host: string): void {
  const lease = leaseOf(cluster, host)?.etcdLease ?? 0n;
  cluster.judge.tampered();
  if (lease !== 0n) cluster.store.revoke(lease);
}

function deleteKey(cluster: SimCluster, host: string): void {
  const record = leaseOf(cluster, host);
  cluster.judge.tampered();
  if (record !== undefined) cluster.store.delete(LEASES + record.key);
}

function overwriteKey(cluster: SimCluster, host: string): void {
  const record = leaseOf(cluster, host);
  cluster.judge.tampered();
  if (record !== undefined) cluster.store.put(LEASES + record.key, 'rubbish');
}

function wipe(cluster: SimCluster): void {
  cluster.judge.tampered();
  for (const { key } of cluster.store.range(LEASES)) cluster.store.delete(key);
}

function putRubbish({ store }: SimCluster): void {
  store.put(`${LEASES}10.5.0.0-24`, '{"PublicIP":null}');
  store.put(`${LEASES}foo`, 'bar');
}

function restore(cluster: SimCluster, time: string): void {
  if (cluster.backup === undefined) return;
  cluster.judge.tampered();
  cluster.store.restore(cluster.backup);
  down(cluster, time);
}

function changeLength({ store, world }: SimCluster, length: string): void {
  store.put(`${PREFIX}/config`, configText(world, Number(length)));
}

function loseAnswer(cluster: SimCluster, host: string): void {
  cluster.host(host).life?.registry.failNext({ carriedOut: true });
}

export const STORE_STEPS = [
  kind('etcd is down for {time}', 4, down),
  kind('etcd is down for {long}', 1, down),
  kind('compact the store', 4, ({ store }) => {
    store.compact();
  }),
  kind('take a backup', 2, (cluster) => {
    cluster.backup = cluster.store.backup();
  }),
  kind('restore the backup, which takes {moment}', 2, restore),
  kind('revoke the etcd lease of {host}', 3, revoke),
  kind('delete the key of {host}', 3, deleteKey),
  kind('overwrite the key of {host} with rubbish', 3, overwriteKey),
  kind('put rubbish beside the leases', 2, putRubbish),
  kind('wipe the leases', 2, wipe),
  kind('the subnet length becomes {length}', 2, changeLength),
  kind('lose the next answer to {host}', 4, loseAnswer),
];
