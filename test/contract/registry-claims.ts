// What a claim compares, which nodes are alive, and what the store remembers: the second part of the registry's contract.

import { cidr, ip } from '../../src/subnet/cidr.js';
import type { LeaseAttributes } from '../../src/subnet/lease.js';
import type { Presence } from '../../src/subnet/presence.js';
import { rejectsWith, type Contract } from './registry.js';

const NODE = 'node-1';
const ATTRIBUTES: LeaseAttributes = {
  nodeId: NODE,
  publicIps: { 4: ip('1.2.3.4') },
  backendType: 'host-gw',
  backendData: {},
};
const FIRST = { 4: cidr('10.1.5.0/24') };
const LONGER = { 4: cidr('10.1.5.128/25') };
const TTL = 3600;
const LIFE: Presence = { nodeId: NODE, host: 'web1', bootId: 'b-1', instance: 'i-1', publicIp: '1.2.3.4' };

export function claims(contract: Contract): void {
  contract('a claim made by an old listing is refused, whatever was written', async (t, { registry }) => {
    const { revision } = await registry.list();
    const guard = { config: 0n, listed: revision };
    await registry.create(LONGER, ATTRIBUTES, TTL, guard);
    await rejectsWith(t, registry.create(FIRST, ATTRIBUTES, TTL, guard), 'changed');
    t.deepEqual(
      (await registry.list()).records.map(({ key }) => key),
      ['10.1.5.128-25'],
    );
    const { revision: now } = await registry.list();
    await t.notThrowsAsync(registry.create(FIRST, ATTRIBUTES, TTL, { config: 0n, listed: now }));
  });

  contract('keys beside the leases do not disturb a claim', async (t, { registry, prefix, raw }) => {
    const { revision } = await registry.list();
    await raw.put(`${prefix}/elsewhere`, 'x');
    await raw.put(`${prefix}/subnets.lock`, 'x');
    await raw.put(`${prefix}/subnets0`, 'x');
    await t.notThrowsAsync(registry.create(FIRST, ATTRIBUTES, TTL, { config: 0n, listed: revision }));
  });

  contract('a claim under another config is refused, and so is one without', async (t, harness) => {
    const { registry, prefix, raw } = harness;
    await raw.put(`${prefix}/config`, '{"Network":"10.1.0.0/16"}');
    const config = (await registry.readConfig())?.modRevision ?? 0n;
    await raw.put(`${prefix}/config`, '{"Network":"10.1.0.0/16","SubnetLen":25}');
    const { revision: listed } = await registry.list();
    for (const old of [config, 0n]) {
      await rejectsWith(
        t,
        registry.create(FIRST, ATTRIBUTES, TTL, { config: old, listed }),
        'config-changed',
      );
    }
    const now = (await registry.readConfig())?.modRevision ?? 0n;
    const record = await registry.create(FIRST, ATTRIBUTES, TTL, { config: now, listed });
    await rejectsWith(t, registry.replace(record, ATTRIBUTES, { config, listed }), 'config-changed');
    const later = { config: now, listed: record.modRevision };
    await t.notThrowsAsync(registry.replace(record, { ...ATTRIBUTES, backendType: 'vxlan' }, later));
  });

  contract('a claim that needs a node to be gone is refused while it is alive', async (t, { registry }) => {
    const alive = await registry.nodes.announce({ ...LIFE, nodeId: 'node-2' }, 60);
    const record = await registry.create(FIRST, ATTRIBUTES, TTL, { listed: 2n ** 62n });
    const guard = { listed: record.modRevision, absent: ['node-2'] };
    await rejectsWith(t, registry.replace(record, ATTRIBUTES, guard), 'changed');
    await registry.nodes.withdraw(alive);
    await t.notThrowsAsync(registry.replace(record, ATTRIBUTES, guard));
  });

  contract('a reservation is made without an etcd lease', async (t, { registry, prefix, raw }) => {
    const record = await registry.create(FIRST, ATTRIBUTES, 'reserved', { listed: 2n ** 62n });
    t.is(record.etcdLease, 0n);
    t.is((await raw.get(`${prefix}/subnets/10.1.5.0-24`))?.lease, 0n);
  });
}

export function memories(contract: Contract): void {
  contract('what was held stays remembered until it is released', async (t, { registry, prefix, raw }) => {
    const guard = { listed: 2n ** 62n };
    const record = await registry.create(FIRST, ATTRIBUTES, TTL, guard);
    t.deepEqual((await registry.past()).used, new Map([[record.key, record.modRevision]]));
    t.deepEqual(await raw.get(`${prefix}/used/${record.key}`), { value: `{"NodeID":"${NODE}"}`, lease: 0n });
    const replaced = await registry.replace(record, { ...ATTRIBUTES, backendType: 'vxlan' });
    t.deepEqual((await registry.past()).used, new Map([[record.key, replaced.modRevision]]));
    await raw.revoke(record.etcdLease);
    t.deepEqual((await registry.list()).records, []);
    t.true((await registry.past()).used.has(record.key), 'it expired');
    const again = await registry.create(FIRST, ATTRIBUTES, TTL, guard);
    await registry.remove(again);
    t.true((await registry.past()).used.has(record.key), 'it was deleted');
    await registry.remove(await registry.create(FIRST, ATTRIBUTES, TTL, guard), true);
    t.deepEqual((await registry.past()).used, new Map());
  });

  contract('a revoke leaves a marker that names the owner, for a while', async (t, harness) => {
    const { registry, prefix, raw } = harness;
    const record = await registry.create(FIRST, ATTRIBUTES, TTL, { listed: 2n ** 62n });
    const outdated = { ...record, modRevision: record.modRevision - 1n };
    await rejectsWith(t, registry.revoke(outdated, 600), 'changed');
    t.deepEqual((await registry.past()).revoked, new Map());
    await registry.revoke(record, 600);
    t.deepEqual((await registry.list()).records, []);
    t.deepEqual((await registry.past()).revoked, new Map([[record.key, NODE]]));
    const marker = await raw.get(`${prefix}/revoked/${record.key}`);
    t.not(marker?.lease ?? 0n, 0n);
    await raw.revoke(marker?.lease ?? 0n);
    t.deepEqual((await registry.past()).revoked, new Map());
  });

  contract('a marker that nobody can read names no owner', async (t, { registry, prefix, raw }) => {
    for (const [key, value] of [
      ['10.1.1.0-24', ''],
      ['10.1.2.0-24', '{"NodeID":7}'],
      ['10.1.3.0-24', `{"NodeID":"${'x'.repeat(5000)}"}`],
      ['10.1.4.0-24', '{"NodeID":"a b"}'],
    ] as const) {
      await raw.put(`${prefix}/revoked/${key}`, value);
    }
    t.deepEqual([...(await registry.past()).revoked.values()], [undefined, undefined, undefined, undefined]);
  });
}

export function nodes(contract: Contract): void {
  contract('a presence is announced once, read, kept alive and withdrawn', async (t, harness) => {
    const { registry, prefix, raw } = harness;
    t.is(await registry.nodes.read(NODE), undefined);
    const record = await registry.nodes.announce(LIFE, 30);
    t.deepEqual(await raw.get(`${prefix}/nodes/${NODE}`), {
      value: '{"NodeID":"node-1","Host":"web1","BootID":"b-1","Instance":"i-1","PublicIP":"1.2.3.4"}',
      lease: record.etcdLease,
    });
    t.deepEqual(await registry.nodes.read(NODE), record);
    t.is(await registry.nodes.keepAlive(record), 30);
    await rejectsWith(t, registry.nodes.announce({ ...LIFE, instance: 'i-2' }, 30), 'exists');
    await registry.nodes.withdraw(record);
    t.is(await registry.nodes.read(NODE), undefined);
    await t.notThrowsAsync(registry.nodes.withdraw(record), 'what is gone already counts as withdrawn');
    await rejectsWith(t, registry.nodes.keepAlive(record), 'lease-gone');
  });

  contract('a life takes the place of the very one that was seen, and of no other', async (t, harness) => {
    const { registry, prefix, raw } = harness;
    const first = await registry.nodes.announce(LIFE, 30);
    const second = await registry.nodes.announce({ ...LIFE, instance: 'i-2' }, 30, first);
    await rejectsWith(t, registry.nodes.announce({ ...LIFE, instance: 'i-3' }, 30, first), 'exists');
    t.is((await registry.nodes.read(NODE))?.instance, 'i-2');
    await raw.revoke(first.etcdLease);
    t.is((await raw.get(`${prefix}/nodes/${NODE}`))?.lease, second.etcdLease);
  });

  contract('whoever writes what cannot be read is there all the same', async (t, harness) => {
    const { registry, prefix, raw } = harness;
    await raw.put(`${prefix}/nodes/${NODE}`, Uint8Array.of(0xff, 0, 0x7b));
    const { modRevision, ...seen } = (await registry.nodes.read(NODE)) ?? { modRevision: 0n };
    t.true(modRevision > 0n);
    t.deepEqual(seen, { nodeId: NODE, host: '', bootId: '', instance: '', publicIp: '', etcdLease: 0n });
    await rejectsWith(t, registry.nodes.announce(LIFE, 30), 'exists');
  });

  contract('a presence is no lease', async (t, { registry }) => {
    await registry.nodes.announce(LIFE, 30);
    const { records, unreadable } = await registry.list();
    t.deepEqual([records, unreadable], [[], []]);
  });
}
