// LinuxKernel passes the kernel contract, each test in a namespace of its own; then what only Linux can show:
// `ip` and `bridge` see what we say we did, we see what they did, and storms of changes lose nothing unnoticed.

import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import { NETLINK_ROUTE } from '../../src/kernel/rtnetlink/constants.js';
import { LinuxKernel } from '../../src/kernel/rtnetlink/linux-kernel.js';
import type { KernelOperation } from '../../src/kernel/kernel.js';
import { createTun, openNetlink } from '../../src/native.js';
import { cidrOf, ip } from '../../src/subnet/cidr.js';
import { registerKernelContract } from '../contract/kernel.js';
import { deviceUp, expectOk, linkNamed, madeRoutes, of, peer, tunDevice } from '../contract/kernel-world.js';
import { EventLog } from '../helpers/kernel-events.js';
import { makeLinuxWorld, type LinuxWorld } from '../helpers/linux-world.js';
import { hasRoot } from '../helpers/netns.js';
import { runAsNobody, runInNetns } from '../helpers/netns-child.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

registerKernelContract(test, (t) => (hasRoot(t) ? makeLinuxWorld() : Promise.resolve(undefined)));

function linuxTest(title: string, body: (t: ExecutionContext, world: LinuxWorld) => Promise<void>): void {
  test(title, async (t) => {
    if (!hasRoot(t)) return;
    const world = await makeLinuxWorld();
    try {
      await body(t, world);
    } finally {
      await world.close();
    }
  });
}

linuxTest('ip and bridge show what was done', async (t, { kernel, netns }) => {
  const link = await deviceUp(kernel);
  const { neighbour, fdb, route } = peer(link, 4);
  await expectOk(kernel, of.neighbour('create', neighbour), of.fdb('create', fdb), of.route('create', route));

  const [device] = await netns.json<object[]>('ip -j -d link show dev flannel.1');
  t.like(device, {
    ifname: 'flannel.1',
    mtu: 1450,
    address: '7e:18:59:77:82:2a',
    ifalias: 'flanneld:test',
    linkinfo: {
      info_kind: 'vxlan',
      info_data: { id: 1, link: 'eth0', local: '192.168.50.1', port: 8472, learning: false },
    },
  });
  const [shown] = await netns.json<object[]>('ip -j route show 10.5.9.0/24');
  t.like(shown, {
    dst: '10.5.9.0/24',
    gateway: '10.5.9.0',
    dev: 'flannel.1',
    protocol: '241',
    flags: ['onlink'],
  });
  const [arp] = await netns.json<object[]>('ip -j neigh show dev flannel.1 nud permanent');
  t.like(arp, { dst: '10.5.9.0', lladdr: '7e:18:59:77:82:2b', state: ['PERMANENT'] });
  const entries = await netns.json<{ mac: string }[]>('bridge -j fdb show dev flannel.1');
  t.like(
    entries.find(({ mac }) => mac === '7e:18:59:77:82:2b'),
    { dst: '192.168.50.2', flags: ['self'], state: 'permanent' },
  );
});

linuxTest('what ip and bridge did is listed, and told as somebody else’s', async (t, { kernel, netns }) => {
  const link = await deviceUp(kernel);
  const { neighbour, fdb, route } = peer(link, 4);
  const log = await EventLog.of(kernel);
  await netns.sh('ip neigh add 10.5.9.0 lladdr 7e:18:59:77:82:2b nud permanent dev flannel.1');
  await netns.sh('bridge fdb add 7e:18:59:77:82:2b dst 192.168.50.2 dev flannel.1 self permanent');
  await netns.sh('ip route add 10.5.9.0/24 via 10.5.9.0 dev flannel.1 proto 241 onlink');
  t.deepEqual(await log.until((event) => event.type === 'route' && event.route.dst === route.dst), {
    type: 'route',
    gone: false,
    route,
    own: false,
  });
  t.deepEqual([await kernel.neighbours(link), await kernel.fdb(link)], [[neighbour], [fdb]]);
  t.deepEqual(await madeRoutes(kernel), [route]);
  await netns.sh('ip neigh del 10.5.9.0 dev flannel.1');
  await log.until((event) => event.type === 'neighbour' && event.gone && !event.own);
  await netns.sh('bridge fdb del 7e:18:59:77:82:2b dev flannel.1 self');
  await log.until((event) => event.type === 'fdb' && event.gone);
  await netns.sh('ip link del flannel.1');
  await log.until((event) => event.type === 'link' && event.gone);
  log.stop();
});

linuxTest(
  'a port that joins and leaves a bridge is not a link that is gone',
  async (t, { kernel, netns }) => {
    await netns.sh('ip link add br0 type bridge');
    await netns.sh('ip link set br0 up');
    const log = await EventLog.of(kernel);
    await netns.sh('ip link set eth0p master br0');
    await netns.sh('ip link set eth0p nomaster');
    await netns.sh('ip link set eth0p alias marker');
    await log.until((event) => event.type === 'link' && event.link.alias === 'marker');
    t.deepEqual(
      log.events.filter((event) => event.type === 'link' && event.gone),
      [],
    );
    log.stop();
  },
);

linuxTest('a TAP is told from a TUN, and what ip made from what we made', async (t, { kernel, netns }) => {
  await netns.sh('ip tuntap add dev tap0 mode tap');
  await netns.sh('ip tuntap add dev tun0 mode tun multi_queue');
  await expectOk(kernel, of.newLink(tunDevice()));
  t.deepEqual((await linkNamed(kernel, 'tap0')).tun, { type: 'tap', multiQueue: false, persistent: true });
  t.deepEqual((await linkNamed(kernel, 'tun0')).tun, { type: 'tun', multiQueue: true, persistent: true });
  const [shown] = await netns.json<object[]>('ip -j -d link show dev flannel0');
  t.like(shown, {
    mtu: 1472,
    ifalias: 'flanneld:test',
    linkinfo: { info_kind: 'tun', info_data: { type: 'tun', pi: false, vnet_hdr: false, persist: true } },
  });
});

linuxTest('a TUN that was not told to stay goes with its descriptor', async (t, { kernel, netns }) => {
  const handle = createTun('flannel0', true, netns.path);
  t.false((await linkNamed(kernel, 'flannel0')).tun?.persistent);
  handle.close();
  handle.close();
  await t.throwsAsync(linkNamed(kernel, 'flannel0'), { message: 'there is no link flannel0' });
  t.throws(
    () => {
      handle.persist();
    },
    { code: 'EBADF' },
  );
});

linuxTest('routes of other tables are not listed', async (t, { kernel, netns }) => {
  await netns.sh('ip route add 10.77.0.0/16 via 192.168.50.2 table 1000');
  await netns.sh('ip route add 10.78.0.0/16 via 192.168.50.2 proto 241');
  t.deepEqual(
    (await madeRoutes(kernel)).map(({ dst }) => dst as string),
    ['10.78.0.0/16'],
  );
});

linuxTest(
  'ten thousand changes under our eyes: each is told, or resync is',
  async (t, { kernel, other, netns }) => {
    const link = await deviceUp(kernel);
    const { route } = peer(link, 4);
    const each = (verb: 'create' | 'delete'): KernelOperation[] =>
      Array.from({ length: 5_000 }, (_, number) =>
        of.route(verb, { ...route, dst: cidrOf(ip(`10.${64 + (number >> 8)}.${number & 255}.0`), 24) }),
      );
    const log = await EventLog.of(kernel);
    await expectOk(other, ...each('create'), ...each('delete'));
    await netns.sh('ip link set eth0p alias marker');
    await log.until(
      (event) => event.type === 'resync' || (event.type === 'link' && event.link.alias === 'marker'),
    );
    const told = log.events.filter((event) => event.type === 'route' && event.route.protocol === 241).length;
    t.true(told === 10_000 || log.events.some(({ type }) => type === 'resync'), `${told} told`);
    log.stop();
    t.deepEqual(await madeRoutes(kernel), []);
  },
);

linuxTest(
  'a listener that does not keep up is told that events were lost',
  async (t, { kernel, other, netns }) => {
    const link = await deviceUp(kernel);
    const { route } = peer(link, 4);
    // The smallest buffer there is: two or three events fill it, and the thread is slower than the kernel at times.
    const lost = new Promise<number>((resolve, reject) => {
      const options = { protocol: NETLINK_ROUTE, groups: [7], receiveBuffer: 1, netns: netns.path };
      const handle = openNetlink(options, {
        data: () => undefined,
        error: (errno) => {
          handle.close();
          resolve(errno);
        },
      });
      const storm = async (): Promise<void> => {
        for (let round = 0; round < 200; round++) {
          const many = Array.from({ length: 500 }, (_, number) =>
            of.route(round % 2 === 0 ? 'create' : 'delete', {
              ...route,
              dst: cidrOf(ip(`10.${64 + (number >> 8)}.${number & 255}.0`), 24),
            }),
          );
          await other.apply(many);
        }
        handle.close();
        reject(new Error('a hundred thousand events went through a buffer of one byte'));
      };
      storm().catch(reject);
    });
    t.is(await lost, 105);
  },
);

linuxTest('listings stay whole while somebody else changes the tables', async (t, { kernel, other }) => {
  const link = await deviceUp(kernel);
  const { route } = peer(link, 4);
  const stable = Array.from({ length: 3_000 }, (_, number) =>
    of.route('create', { ...route, dst: cidrOf(ip(`10.${64 + (number >> 8)}.${number & 255}.0`), 24) }),
  );
  await expectOk(kernel, ...stable);
  const stop = new AbortController();
  const churn = (async (): Promise<void> => {
    for (let round = 0; !stop.signal.aborted; round++) {
      const passing = { ...route, dst: cidrOf(ip(`10.32.${round & 255}.0`), 24) };
      await other.apply([of.route('create', passing), of.route('delete', passing)]);
    }
  })();
  for (let round = 0; round < 20; round++) {
    const listed = new Set((await kernel.routes(4)).map(({ dst }) => dst as string));
    const missing = stable.filter(
      (operation) => operation.kind === 'route' && !listed.has(operation.route.dst),
    );
    t.is(missing.length, 0);
  }
  stop.abort();
  await churn;
});

linuxTest('settings are those of the process’s own namespace', async (t, { netns }) => {
  const path = 'net/ipv6/conf/eth0/accept_ra';
  const output = await runInNetns(netns, 'settings', path);
  t.deepEqual(JSON.parse(output), ['1', '0', null]);
  t.is((await netns.sh(`sysctl -n net.ipv6.conf.eth0.accept_ra`)).trim(), '0');
});

test('without privilege reading works, and a change says what is missing', async (t) => {
  if (!hasRoot(t)) return;
  const { links, message, code } = JSON.parse(await runAsNobody('unprivileged')) as Record<string, unknown>;
  t.true(Number(links) > 0);
  t.is(code, 'EPERM');
  t.is(message, 'create link flannel.1: EPERM; run as root or with CAP_NET_ADMIN');
});

test('a namespace that does not exist is an error', (t) => {
  const dependencies = { logger: new RecordingLogger(), counters: new Counters(), clock: systemClock };
  t.throws(() => LinuxKernel.open({ ...dependencies, netns: '/nonexistent' }), {
    name: 'KernelError',
    code: 'ENOENT',
  });
});

linuxTest('nothing was skipped or complained of in all of this', async (t, { kernel, counters, logger }) => {
  await deviceUp(kernel);
  t.truthy(await linkNamed(kernel, 'flannel.1'));
  await Promise.all([kernel.links(), kernel.addresses(), kernel.routes(4), kernel.routes(6)]);
  t.is(counters.get('kernelMessagesUnreadable'), 0);
  t.is(counters.get('kernelOperationErrors'), 0);
  t.true(counters.get('kernelOperations') > 0);
  t.deepEqual(logger.lines, []);
});
