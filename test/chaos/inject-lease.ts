// Faults of what etcd holds: leases revoked, deleted, overwritten or given to a stranger, rubbish beside them, and all
// of them gone at once.

import { monotonic } from '../../src/lab/monotonic.js';
import type { Of, Rubbish } from './faults.js';
import { nodeOf } from './inject-host.js';
import type { LedgerLease } from './lease-ledger.js';
import { pause } from './pause.js';
import { LEASES, type Scene } from './scene.js';
import { storeDoes } from './store-does.js';

export type LeaseFault = Of<'lease-revoke' | 'lease-delete' | 'lease-corrupt' | 'lease-usurp'>;

/** A node that exists in etcd alone. */
const STRANGER = { address: '192.168.50.200', mac: '02:00:00:00:c8:c8', ttlSeconds: 120 };

export async function injectLease(scene: Scene, fault: LeaseFault): Promise<void> {
  const node = nodeOf(scene, fault.host);
  const lease = scene.ledger.leasesOf(node.host.address)[0];
  if (lease === undefined) {
    scene.figures.skipped++;
    scene.timeline.note(`${node.name} has no lease just now`);
    return;
  }
  switch (fault.kind) {
    case 'lease-revoke':
      return takeAway(scene, fault.host, 'revoke', (store) => store.revoke(lease.etcdLease));
    case 'lease-delete':
      return takeAway(scene, fault.host, 'deletion', (store) =>
        store.deleteUnchanged(lease.name, String(lease.revision)),
      );
    case 'lease-corrupt':
      return corrupt(scene, lease, fault.how);
    case 'lease-usurp':
      return usurp(scene, fault, lease);
  }
}

async function takeAway(
  scene: Scene,
  host: number,
  what: string,
  work: (store: Scene['etcd']['store']) => Promise<unknown>,
): Promise<void> {
  const done = scene.leaseWatch.expectLoss(host);
  await storeDoes(scene, what, async (store) => {
    await work(store);
  });
  done(monotonic());
}

/** An empty value comes without the etcd lease, so that the key would outlive its owner. */
function corrupt(scene: Scene, { name, etcdLease }: LedgerLease, how: Rubbish): Promise<void> {
  return storeDoes(scene, 'overwriting', async (store) => {
    await store.put(name, rubbish(how), how === 'empty' ? {} : { lease: etcdLease });
  });
}

/** The owner is frozen for the moment in which its subnet changes hands, so that it cannot be first. */
async function usurp(scene: Scene, { host, forMs }: Of<'lease-usurp'>, lease: LedgerLease): Promise<void> {
  const node = nodeOf(scene, host);
  let granted: string | undefined;
  node.freeze();
  await takeAway(scene, host, 'change of hands', async (store) => {
    granted = await store.grant(STRANGER.ttlSeconds);
    await store.deleteUnchanged(lease.name, String(lease.revision));
    await store.create(lease.name, strangersValue(scene.setting.backend), { lease: granted });
  });
  node.thaw();
  await pause(forMs);
  const id = granted;
  if (id !== undefined)
    await storeDoes(scene, "end of the stranger's lease", async (store) => {
      await store.revoke(id);
    });
}

function strangersValue(backend: string): string {
  const { address, mac } = STRANGER;
  const data = backend === 'vxlan' ? { BackendData: { VNI: 1, VtepMAC: mac } } : {};
  return JSON.stringify({ PublicIP: address, PublicIPv6: null, BackendType: backend, ...data });
}

/** Keys below subnets/ that are no leases; removed again when their time is over. */
export async function injectPoison(scene: Scene, { how, forMs }: Of<'poison'>): Promise<void> {
  // Beyond the pool, so that they take nobody's place.
  const keys = how.map((kind, index) =>
    kind === 'bad-key' ? `${LEASES}10.5.999.0-24` : `${LEASES}10.5.${200 + index}.0-24`,
  );
  await storeDoes(scene, 'poison keys', async (store) => {
    for (const [index, key] of keys.entries()) await store.put(key, rubbish(how[index] ?? 'empty'));
  });
  await pause(forMs);
  for (const key of keys)
    await storeDoes(scene, 'removal of a poison key', async (store) => {
      await store.delete(key);
    });
}

/** Nobody's paths may suffer: what vanishes all at once is not believed at once. */
export async function injectWipe(scene: Scene): Promise<void> {
  const ends = scene.nodes.map(({ index }) => scene.leaseWatch.expectLoss(index, true));
  await storeDoes(scene, 'wipe', async (store) => {
    await store.deletePrefix(LEASES);
  });
  for (const done of ends) done(monotonic());
}

function rubbish(how: Rubbish): string {
  switch (how) {
    case 'empty':
      return '';
    case 'wrong-types':
      return '{"PublicIP":42,"PublicIPv6":null,"BackendType":["vxlan"],"BackendData":"none"}';
    case 'endless':
      return '['.repeat(200_000);
    case 'no-json':
    case 'bad-key':
      return '{"PublicIP":"192.168.50';
  }
}
