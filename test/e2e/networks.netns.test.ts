// Networks that come and go by etcd alone, on three hosts with one daemon each: traffic, times, and what is left behind.

import test from 'ava';
import { Pinger, ping } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts } from '../helpers/lab.js';
import {
  addPods,
  hostState,
  joined,
  makeNetworksCluster,
  networkKey,
  putNetwork,
  removePods,
  statusOf,
  vxlanNetwork,
} from '../helpers/networks-lab.js';

/** Five times what bench:networks measured on two cores. */
const JOIN_MS = 2_000;

test.serial(
  '2 → 3 → 2 networks: the first loses no packet, a join takes no 2 s, a leave leaves nothing behind',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const { cluster, members } = await makeNetworksCluster(t, 3, ['-network-grace=1s']);
    await putNetwork(cluster, members, 'red', vxlanNetwork(1));
    await putNetwork(cluster, members, 'green', vxlanNetwork(2));
    await addPods(members, 'red');
    const [one, two, three] = members.map(({ pods }) => pods.get('red')!);
    const reached = (): Promise<boolean> => ping(one!, two!.address).then(({ received }) => received === 1);
    await until(async () => (await reached()) || undefined, { what: 'a reply on red' });
    await until(async () => (await ping(one!, three!.address)).received === 1 || undefined, {
      what: 'a reply on red',
    });
    const before = await Promise.all(members.map(({ host }) => hostState(host)));
    const pingers = await Promise.all(
      [two!, three!].map((to) => Pinger.start(one!, to.address, { intervalMs: 10 })),
    );

    const took = await putNetwork(cluster, members, 'blue', vxlanNetwork(3));
    t.log(`joined on three hosts after ${took.toFixed(0)} ms`);
    t.true(took < JOIN_MS, `it took ${took} ms`);
    await addPods(members, 'blue');
    const [from, to] = members.map(({ pods }) => pods.get('blue')!);
    await until(async () => (await ping(from!, to!.address)).received === 1 || undefined, {
      what: 'a reply on blue',
    });

    await cluster.store.delete(networkKey('blue'));
    await until(
      async () => (await statusOf(members[0]!.host, 'blue'))?.reason.includes('used by') || undefined,
      {
        what: 'it to be said that pods use it',
        state: () => statusOf(members[0]!.host, 'blue'),
      },
    );
    t.is((await ping(from!, to!.address)).received, 1, 'pods keep their network');
    await removePods(members, 'blue');
    for (const [index, { host, flanneld }] of members.entries()) {
      await until(async () => (await hostState(host)) === before[index] || undefined, {
        what: `${host.name} to be as before`,
        timeoutMs: 15_000,
        state: async () => `${await hostState(host)}\n${flanneld.log()}`,
      });
    }
    const reports = await Promise.all(pingers.map((pinger) => pinger.stop()));
    for (const { sent, lost } of reports) {
      t.true(sent > 100);
      t.is(lost, 0);
    }
    await joined(members, 'red');
    t.deepEqual(await cluster.store.list('/flannel/networks/blue/'), []);
  },
);

test.serial('pods of one network do not reach those of another, unless both are opened', async (t) => {
  if (!canMakeHosts(t)) return;
  const { cluster, members } = await makeNetworksCluster(t, 2);
  await putNetwork(cluster, members, 'red', vxlanNetwork(1));
  await putNetwork(cluster, members, 'blue', vxlanNetwork(2));
  await addPods(members, 'red');
  await addPods(members, 'blue');
  const [one, two] = members;
  const answers = async (from: 'red' | 'blue', to: 'red' | 'blue', where = two!): Promise<boolean> =>
    (await ping(one!.pods.get(from)!, where.pods.get(to)!.address)).received === 1;
  await until(async () => (await answers('red', 'red')) || undefined, { what: 'red to answer red' });
  await until(async () => (await answers('blue', 'blue')) || undefined, { what: 'blue to answer blue' });
  for (const where of [one!, two!]) {
    t.false(await answers('red', 'blue', where), `red reaches blue on ${where.host.name}`);
    t.false(await answers('blue', 'red', where), `blue reaches red on ${where.host.name}`);
  }
  await cluster.store.put(networkKey('red'), vxlanNetwork(1, { Isolated: false }));
  t.false(await answers('red', 'blue'), 'one alone that is opened');
  await cluster.store.put(networkKey('blue'), vxlanNetwork(2, { Isolated: false }));
  await until(async () => (await answers('red', 'blue')) || undefined, { what: 'both to be open' });
  t.true(await answers('blue', 'red', one));
  await cluster.store.put(networkKey('red'), vxlanNetwork(1));
  await until(async () => !(await answers('red', 'blue')) || undefined, { what: 'red to be closed again' });
  t.true(await answers('red', 'red'));
});

test.serial(
  'a config that changes while packets flow: what can is taken over without a loss, the rest refused',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const { cluster, members } = await makeNetworksCluster(t, 2);
    const auto = { Type: 'vxlan', VNI: 'auto' };
    await putNetwork(cluster, members, 'red', vxlanNetwork(1, { Backend: auto }));
    await addPods(members, 'red');
    const [one, two] = members.map(({ pods }) => pods.get('red')!);
    const pinger = await Pinger.start(one!, two!.address, { intervalMs: 10 });
    const device = async (): Promise<string> =>
      (await members[0]!.host.must('ip', ['-o', 'link', 'show', 'type', 'vxlan'])).trim();
    const before = await device();
    t.regex(before, /flannel\.1: .* mtu 1450 /);
    for (const options of [{ MTU: 1400 }, { MTU: 1400, DirectRouting: true }, { MTU: 1400 }]) {
      await cluster.store.put(
        networkKey('red'),
        vxlanNetwork(1, { IPMasq: true, Backend: { ...auto, ...options } }),
      );
      await until(
        async () => {
          const routes = await members[0]!.host.must('ip', ['route']);
          return /via \S+ dev eth0 proto 241/.test(routes) === 'DirectRouting' in options || undefined;
        },
        { what: 'the routes', state: () => members[0]!.flanneld.log(10) },
      );
      await pinger.more(20);
    }
    await until(async () => (await device()).includes(' mtu 1350 ') || undefined, { what: 'the MTU' });
    t.is(await device(), before.replace(' mtu 1450 ', ' mtu 1350 '), 'the same device');
    const env = await members[0]!.host.readFile('/run/flannel/networks/red.env');
    t.regex(env, /FLANNEL_MTU=1350\nFLANNEL_IPMASQ=true/);
    await cluster.store.put(networkKey('red'), vxlanNetwork(7));
    await until(
      async () => (await statusOf(members[0]!.host, 'red'))?.reason.includes('refused') || undefined,
      {
        what: 'the refusal',
        state: () => statusOf(members[0]!.host, 'red'),
      },
    );
    const { sent, lost } = await pinger.stop();
    t.true(sent > 50);
    t.is(lost, 0);
  },
);
