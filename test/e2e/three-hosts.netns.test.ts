// Three hosts, an etcd and a flanneld on each: what pods can do over the network it makes.
// Pictures a healthy network; what happens when something breaks is in the files beside this one.
//
//   pod1 ─ cni0 host1 flannel.1 ═╗
//   pod1 ─ cni0 host2 flannel.1 ═╬═ wire, etcd
//   pod1 ─ cni0 host3 flannel.1 ═╝

import test from 'ava';
import { ping } from '../../src/lab/ping.js';
import { tcpThroughput } from '../../src/lab/throughput.js';
import { until } from '../../src/lab/until.js';
import { viewDevice } from '../../src/lab/kernel-view.js';
import { canMakeHosts, DEVICE, makeCluster, member, upstreamPart } from '../helpers/lab.js';

test.serial(
  'three hosts carry pod traffic: every pair, full size, two hops, own address, and TCP',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 3);

    for (const from of cluster.members) {
      for (const to of cluster.members) {
        if (from === to) continue;
        const report = await ping(from.pod, to.pod.address, { count: 5, intervalSeconds: 0.01 });
        t.is(report.received, 5, `${from.pod.name} to ${to.pod.name}:\n${report.text}`);
        t.is(report.ttl, 62, `two routers lie between ${from.pod.name} and ${to.pod.name}`);
      }
    }

    const [one, two] = [member(cluster, 0), member(cluster, 1)];
    const full = await ping(one.pod, two.pod.address, { size: 1422, dontFragment: true });
    t.is(full.received, 1, `1422 bytes fit in 1450:\n${full.text}`);
    const over = await ping(one.pod, two.pod.address, { size: 1423, dontFragment: true });
    t.is(over.received, 0, `1423 bytes do not:\n${over.text}`);

    const capture = two.pod.spawn('tcpdump', ['-lni', 'eth0', '--immediate-mode', '-c', '1', 'icmp[0] == 8']);
    await until(() => capture.output.text().includes('listening on'), {
      what: 'tcpdump to listen',
      state: () => capture.output.text(),
    });
    await ping(one.pod, two.pod.address);
    await capture.exited;
    t.regex(
      capture.output.text(),
      new RegExp(`IP ${one.pod.address} > ${two.pod.address}: ICMP echo request`),
    );

    const rate = await tcpThroughput(one.pod, { namespace: two.pod, address: two.pod.address }, 1);
    t.true(rate > 1e6, `TCP carries ${rate} bit/s`);
  },
);

test.serial(
  'what stands in etcd, in the kernel and in the file is what upstream would have written',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 2);
    const [one, two] = [member(cluster, 0), member(cluster, 1)];
    const [own, peer] = [await cluster.leaseOf(one.host), await cluster.leaseOf(two.host)];
    const view = await viewDevice(one.host, DEVICE);
    const peerBase = peer.subnet.replace('/24', '');

    t.is(
      upstreamPart(own.value),
      `{"PublicIP":"192.168.50.1","PublicIPv6":null,"BackendType":"vxlan","BackendData":{"VNI":1,"VtepMAC":"${view?.mac ?? ''}"}}`,
    );
    const { granted } = await cluster.store.timeToLive(own.etcdLease);
    t.is(granted, 86_400);
    t.deepEqual(view?.addresses, [own.subnet.replace('/24', '/32')]);
    t.is(view?.routes.length, 1);
    t.regex(view?.routes[0] ?? '', new RegExp(`^${peer.subnet} via ${peerBase} .*onlink`));
    t.deepEqual(view?.neighbours, [`${peerBase} lladdr ${peer.vtepMac ?? ''} PERMANENT`]);
    t.deepEqual(view?.fdb, [`${peer.vtepMac ?? ''} dst 192.168.50.2 self permanent`]);

    const link = await one.host.must('ip', ['-d', 'link', 'show', 'dev', DEVICE]);
    t.regex(link, /mtu 1450 /);
    t.regex(link, /vxlan id 1 local 192\.168\.50\.1 dev eth0 .*dstport 8472 nolearning/);
    t.is((await one.host.must('cat', ['/proc/sys/net/ipv6/conf/flannel.1/accept_ra'])).trim(), '0');
    const gateway = own.subnet.replace('.0/24', '.1/24');
    t.is(
      await one.host.readFile('/run/flannel/subnet.env'),
      `FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=${gateway}\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=false\n`,
    );
  },
);
