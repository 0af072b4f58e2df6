// host-gw beside upstream and in its place: routes are re-marked under a running ping, what upstream left of former
// peers goes, and upstream takes everything back as it stands.

import test from 'ava';
import { ping, Pinger } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { HOST_GW, inventedGateway, routes } from '../helpers/host-gw.js';
import { flanneldCommand, inventedPeer, makeCluster, member, restart } from '../helpers/lab.js';
import { upstreamCommand } from '../helpers/upstream.js';

test.serial('ours and upstream reach each other with host-gw', async (t) => {
  const upstream = upstreamCommand(t);
  if (upstream === undefined) return;
  const cluster = await makeCluster(t, 0, { config: HOST_GW });
  await cluster.addMember({ command: upstream });
  await cluster.addMember({ command: flanneldCommand() });
  await cluster.connected();
  const [theirs, ours] = [member(cluster, 0), member(cluster, 1)];
  for (const [from, to] of [
    [theirs, ours],
    [ours, theirs],
  ] as const) {
    const full = await ping(from.pod, to.pod.address, { size: 1472, dontFragment: true });
    t.deepEqual([full.received, full.ttl], [1, 62], full.text);
  }
  const values = (await cluster.leases()).map(({ value }) =>
    Object.keys(JSON.parse(value) as object).filter((name) => name !== 'NodeID'),
  );
  t.deepEqual(values[0], values[1], 'both leases have the same members, but for our NodeID');
});

test.serial(
  'upstream is killed and ours started in its place, and back again: no packet is lost',
  async (t) => {
    const upstream = upstreamCommand(t);
    if (upstream === undefined) return;
    const cluster = await makeCluster(t, 0, { config: HOST_GW });
    await cluster.addMember({ command: upstream });
    await cluster.addMember({ command: upstream });
    await cluster.connected();
    const [one, two] = [member(cluster, 0), member(cluster, 1)];
    const [lease, peer] = [await cluster.leaseOf(one.host), await cluster.leaseOf(two.host)];
    const [gone, moved] = [inventedGateway(201), inventedGateway(202)];
    await cluster.store.put(gone.key, gone.value);
    await cluster.store.put(moved.key, moved.value);
    const plain = `${peer.subnet} via ${two.host.address} dev eth0`;
    const foreign = '10.5.240.0/24 via 192.168.50.254 dev eth0 proto static';
    await one.host.ip([`route add ${foreign}`]);
    const state = (): Promise<string[]> => routes(one.host);
    for (const { subnet, publicIp } of [gone, moved]) {
      const line = `${subnet} via ${publicIp} dev eth0`;
      await until(async () => (await state()).includes(line), { what: `upstream's route ${line}`, state });
    }

    for (const [who, command] of [
      ['ours', flanneldCommand()],
      ['upstream', upstream],
    ] as const) {
      const there = await Pinger.start(one.pod, two.pod.address);
      const back = await Pinger.start(two.pod, one.pod.address);
      await one.flanneld.stop('SIGKILL');
      if (who === 'ours') {
        await cluster.store.delete(gone.key);
        await cluster.store.put(moved.key, inventedGateway(202, '192.168.50.222').value);
      }
      await there.more(10);
      await restart(cluster, one, { command });
      if (who === 'ours') {
        const expected = [
          `${moved.subnet} via 192.168.50.222 dev eth0 proto 241`,
          foreign,
          `${plain} proto 241`,
        ];
        const overlay = async (): Promise<string[]> =>
          (await state()).filter((line) => line.startsWith('10.5.') && !line.includes('cni0')).sort();
        await until(async () => JSON.stringify(await overlay()) === JSON.stringify([...expected].sort()), {
          what: 'our routes, the changed gateway, and none of the former peer',
          timeoutMs: 3000,
          state,
        });
      }
      await Promise.all([there.more(60), back.more(60)]);
      t.is((await cluster.leaseOf(one.host)).subnet, lease.subnet);
      t.true((await state()).some((line) => line.startsWith(plain)));
      t.true((await state()).includes(foreign), 'an administrator’s route stays');
      const reports = [await there.stop(), await back.stop()];
      t.log(`${who} took over`, reports);
      t.deepEqual(
        reports.map(({ lost }) => lost),
        [0, 0],
        `${who} took over`,
      );
    }
  },
);

test.serial('with DirectRouting too, what upstream left is marked in place or removed', async (t) => {
  const upstream = upstreamCommand(t);
  if (upstream === undefined) return;
  const config = { ...HOST_GW, Backend: { Type: 'vxlan', DirectRouting: true } };
  const cluster = await makeCluster(t, 0, { config });
  await cluster.addMember({ command: upstream });
  await cluster.addMember({ command: upstream });
  await cluster.connected();
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const peer = await cluster.leaseOf(two.host);
  const gone = inventedPeer(201);
  await cluster.store.put(gone.key, gone.value);
  const state = (): Promise<string[]> => routes(one.host);
  const stale = `${gone.base}/24 via ${gone.publicIp} dev eth0`;
  await until(async () => (await state()).includes(stale), { what: 'upstream’s direct route', state });

  const pinger = await Pinger.start(one.pod, two.pod.address);
  await one.flanneld.stop('SIGKILL');
  await cluster.store.delete(gone.key);
  await restart(cluster, one, { command: flanneldCommand() });
  await until(async () => !(await state()).includes(stale), { what: 'the former peer’s route to go', state });
  await until(
    async () => (await state()).includes(`${peer.subnet} via ${two.host.address} dev eth0 proto 241`),
    {
      what: 'the present peer’s route to be marked',
      state,
    },
  );
  await pinger.more(20);
  t.is((await pinger.stop()).lost, 0);
});
