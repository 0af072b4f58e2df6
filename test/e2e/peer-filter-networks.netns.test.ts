// Two networks of two daemons on one host, on one UDP port with different peers, beside somebody else's VXLAN device:
// each keeps working, and each lets in its own peers only.

import test from 'ava';
import { Flanneld } from '../../src/lab/flanneld.js';
import type { Host } from '../../src/lab/host.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, makeCluster } from '../helpers/lab.js';
import { counted, sendRaw, vxlanPacket } from '../helpers/rules-lab.js';

const SECOND = { prefix: '/second/network', file: '/run/flannel/second.env' };

/** The base address of the subnet in an env file: the address of the device, which its kernel answers for. */
async function baseIn(host: Host, file: string): Promise<string> {
  const text = await until(async () => (await host.exec('cat', [file])).stdout || undefined, {
    what: `${file} on ${host.name}`,
  });
  return `${/FLANNEL_SUBNET=(\S+)\.1\//.exec(text)?.[1] ?? ''}.0`;
}

async function answers(from: Host, address: string): Promise<void> {
  await until(async () => (await from.exec('ping', ['-c', '1', '-W', '1', address])).code === 0, {
    what: `an answer from ${address} to ${from.name}`,
    state: async () => (await from.exec('ip', ['route'])).stdout,
  });
}

test.serial(
  'two networks with different peers on one port, and a foreign VXLAN device, all keep working',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 0);
    const config = { Network: '10.6.0.0/16', Backend: { Type: 'vxlan', VNI: 2 } };
    await cluster.store.put(`${SECOND.prefix}/config`, JSON.stringify(config));
    const both = await cluster.lab.addHost();
    const [first, second, foreign] = [
      await cluster.lab.addHost(),
      await cluster.lab.addHost(),
      await cluster.lab.addHost(),
    ];
    const inSecond = cluster.daemonOptions({
      args: [`-etcd-prefix=${SECOND.prefix}`, `-subnet-file=${SECOND.file}`],
    });
    await Promise.all([both, first].map((host) => Flanneld.up(host, cluster.daemonOptions())));
    for (const host of [both, second]) Flanneld.start(host, inSecond);
    for (const [host, peer] of [
      [both, foreign],
      [foreign, both],
    ] as const) {
      await host.ip([
        `link add vx77 type vxlan id 77 dstport 8472 local ${host.address} remote ${peer.address} dev eth0`,
        `address add 10.77.0.${host.address.split('.')[3] ?? ''}/24 dev vx77`,
        'link set vx77 up',
      ]);
    }

    await answers(both, await baseIn(first, '/run/flannel/subnet.env'));
    await answers(both, await baseIn(second, SECOND.file));
    await answers(first, await baseIn(both, '/run/flannel/subnet.env'));
    await answers(second, await baseIn(both, SECOND.file));
    await answers(both, `10.77.0.${foreign.address.split('.')[3] ?? ''}`);

    // A peer of the second network is a stranger to the first, although both come in by one port.
    t.is(await counted(both, 'foreign_source'), 0);
    const inner = { mac: '02:00:00:00:00:01', from: '10.5.9.9', to: '10.5.8.8', text: 'x' };
    await sendRaw(second, both.address, vxlanPacket({ vni: 1, ...inner }), 5);
    await until(async () => (await counted(both, 'foreign_source')) === 5, {
      what: 'the packets to be counted',
    });
    await sendRaw(second, both.address, vxlanPacket({ vni: 2, ...inner }), 5);
    await answers(second, await baseIn(both, SECOND.file));
    t.is(await counted(both, 'foreign_source'), 5, 'its own VNI is not the first network’s to judge');
  },
);
