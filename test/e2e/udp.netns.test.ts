// Three hosts with the udp backend: what pods can do over it, what stands in etcd and the kernel, and what the tunnel
// costs a packet. Restarts, repairs and bad starts are in the files beside this one.

import test from 'ava';
import { Flanneld } from '../../src/lab/flanneld.js';
import { ping } from '../../src/lab/ping.js';
import { tcpThroughput } from '../../src/lab/throughput.js';
import { until } from '../../src/lab/until.js';
import { baseOf, canMakeHosts, member, upstreamPart } from '../helpers/lab.js';
import { makeUdpCluster, TUN, viewTun } from '../helpers/udp-lab.js';

test.serial('three hosts: every pair, one TTL for the tunnel, 1472 bytes with DF, and TCP', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeUdpCluster(t, 3);
  for (const from of cluster.members) {
    for (const to of cluster.members) {
      if (from === to) continue;
      // One by one: of several, ping waits for the last only twice as long as the others took.
      for (let number = 1; number <= 5; number++) {
        const report = await ping(from.pod, to.pod.address);
        t.is(report.received, 1, `${from.pod.name} to ${to.pod.name}, number ${number}:\n${report.text}`);
        t.is(report.ttl, 61, 'two routers, and one for the tunnel, taken by its sender');
      }
    }
  }
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  // 28 bytes of headers: packets of 1472 and 1473 bytes.
  const full = await ping(one.pod, two.pod.address, { size: 1444, dontFragment: true });
  t.is(full.received, 1, `1472 bytes fit:\n${full.text}`);
  const over = await ping(one.pod, two.pod.address, { size: 1445, dontFragment: true });
  t.is(over.received, 0, `1473 bytes do not:\n${over.text}`);
  const large = await ping(one.pod, two.pod.address, { size: 65_507 });
  t.is(large.received, 1, `the longest packet there is travels in fragments:\n${large.text}`);
  const rate = await tcpThroughput(one.pod, { namespace: two.pod, address: two.pod.address }, 1);
  t.true(rate > 1e6, `TCP carries ${rate} bit/s`);
});

test.serial('the tunnel is one hop on a traced route, and says so with its own address', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeUdpCluster(t, 2);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const [own, peer] = [await cluster.leaseOf(one.host), await cluster.leaseOf(two.host)];
  const expired = async (ttl: number): Promise<string> => {
    const probe = await one.pod.exec('ping', [
      '-n',
      '-c',
      '1',
      '-W',
      '2',
      '-t',
      String(ttl),
      two.pod.address,
    ]);
    return /From (\S+) icmp_seq=1 Time to live exceeded/.exec(probe.stdout)?.[1] ?? probe.stdout;
  };
  t.is(await expired(1), own.subnet.replace('.0/24', '.1'), 'the bridge of our host');
  t.is(await expired(2), baseOf(own.subnet), 'the tunnel: the TUN of our host');
  t.is(await expired(3), baseOf(peer.subnet), 'the host of the peer');
  const reached = await one.pod.exec('ping', ['-n', '-c', '1', '-W', '2', '-t', '4', two.pod.address]);
  t.is(reached.code, 0, reached.stdout);

  const nowhere = await one.pod.exec('ping', ['-n', '-c', '1', '-W', '2', '10.5.250.9']);
  t.regex(nowhere.stdout, new RegExp(`From ${baseOf(own.subnet)} .*Destination Net Unreachable`));
});

test.serial(
  'what stands in etcd, in the kernel and in the file is what upstream would have written',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeUdpCluster(t, 2);
    const { host } = member(cluster, 0);
    const own = await cluster.leaseOf(host);
    t.is(upstreamPart(own.value), '{"PublicIP":"192.168.50.1","PublicIPv6":null}');
    t.is(
      await viewTun(host),
      `flannel0 mtu 1472 up\n${own.subnet.replace('/24', '/32')}\n10.5.0.0/16 proto 241`,
    );
    t.is(
      await host.readFile('/run/flannel/subnet.env'),
      `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=${own.subnet.replace('.0/24', '.1/24')}\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=false\n`,
    );
    t.regex(await host.must('ip', ['link', 'show', TUN]), /alias flanneld:network/);
    t.regex(await host.must('ss', ['-Hulpn', 'sport = :8285']), /192\.168\.50\.1:8285/);
  },
);

test.serial('a second network on the host has the next device, and both carry traffic', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeUdpCluster(t, 2);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  await cluster.store.put(
    '/second/network/config',
    JSON.stringify({ Network: '10.7.0.0/16', Backend: { Type: 'udp', Port: 8286 } }),
  );
  const second = [one, two].map(({ host }) =>
    Flanneld.start(host, {
      ...cluster.daemonOptions(),
      args: ['-etcd-prefix=/second/network', '-subnet-file=/run/flannel/second.env'],
    }),
  );
  for (const { host } of [one, two]) {
    await until(async () => (await viewTun(host, 'flannel1')).includes('10.7.0.0/16'), {
      what: `the second device of ${host.name}`,
      state: () => second.map((daemon) => daemon.log()),
    });
  }
  t.regex(await one.host.must('ip', ['link', 'show', 'flannel1']), /alias flanneld:network-/);
  t.regex(await one.host.must('ip', ['link', 'show', 'flannel0']), /alias flanneld:network$/m);
  const address = /inet (\S+)\/32/.exec(
    await two.host.must('ip', ['-4', '-o', 'address', 'show', 'flannel1']),
  )?.[1];
  await until(async () => (await ping(one.host, address ?? '', { waitSeconds: 1 })).received === 1, {
    what: 'the second network to carry a packet',
    state: () => second[0]?.log(),
  });
  t.is((await ping(one.pod, two.pod.address)).received, 1, 'the first one goes on');
});
