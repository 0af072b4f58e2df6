// What the traffic rules do to traffic, in either mode: who is seen with which address, that a FORWARD policy does not
// stop the overlay, and that rules deleted by hand are back within a second.

import test from 'ava';
import { SUBNET_FILE } from '../../src/lab/host.js';
import { ping } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, member } from '../helpers/lab.js';
import { echoServer, makeRuleCluster, MODES, seenAs, type Mode } from '../helpers/rules-lab.js';

const DELETIONS: Readonly<Record<Mode, readonly string[]>> = {
  iptables: [
    'iptables -t nat -D FLANNEL-POSTRTG 2',
    'iptables -t nat -F FLANNEL-POSTRTG',
    'iptables -F FORWARD',
    'iptables -t nat -F POSTROUTING',
    'nft delete table ip nat',
  ],
  nftables: [
    'nft flush chain ip flannel-network postrtg',
    'nft flush chain ip flannel-network input',
    'nft flush set ip flannel-network peers',
    'nft delete table ip flannel-network',
  ],
};
/** Handles and counts differ between equal rules. */
const LIST = `iptables-save | grep FLANNEL | sed 's/\\[[0-9:]*\\]//'; nft list table ip flannel-network | sed 's/packets [0-9]* bytes [0-9]*//'`;

for (const mode of MODES) {
  test.serial(
    `${mode}: pods leave with the host's address, and are seen as themselves within the overlay`,
    async (t) => {
      if (!canMakeHosts(t)) return;
      const cluster = await makeRuleCluster(t, mode, 2);
      const [one, two] = [member(cluster, 0), member(cluster, 1)];
      const { wire, wireAddress } = cluster.lab;
      await Promise.all([echoServer(wire), echoServer(two.pod)]);
      t.is(await seenAs(one.pod, wireAddress), one.host.address);
      t.is(await seenAs(one.pod, two.pod.address), one.pod.address);
      await wire.ip([`route add ${(await cluster.leaseOf(two.host)).subnet} via ${two.host.address}`]);
      t.is(await seenAs(wire, two.pod.address), wireAddress);
      t.regex(await one.host.readFile(SUBNET_FILE), /^FLANNEL_IPMASQ=true$/m);
    },
  );

  test.serial(
    `${mode}: FORWARD policy DROP does not stop the overlay, and a dropping chain is named`,
    async (t) => {
      if (!canMakeHosts(t)) return;
      const cluster = await makeRuleCluster(t, mode, 2);
      const [one, two] = [member(cluster, 0), member(cluster, 1)];
      for (const { host } of [one, two]) await host.must('iptables', ['-P', 'FORWARD', 'DROP']);
      await cluster.connected(3000);
      t.is((await ping(one.pod, two.pod.address, { count: 5, intervalSeconds: 0.1 })).received, 5);
      const chain =
        'add table inet admin; add chain inet admin drops { type filter hook forward priority 5; policy drop; }';
      await one.host.must('nft', [chain]);
      await until(() => /\badmin\b/.test(one.flanneld.log(100)), {
        what: 'the log to name the chain',
        timeoutMs: 5000,
        state: () => one.flanneld.log(100),
      });
      t.is((await ping(one.pod, two.pod.address)).received, 0, 'the chain drops indeed');
    },
  );

  test.serial(`${mode}: rules deleted by hand are back within a second`, async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeRuleCluster(t, mode, 2);
    const { host } = member(cluster, 0);
    const list = (): Promise<string> => host.must('sh', ['-c', LIST]);
    const before = await list();
    for (const command of DELETIONS[mode]) {
      const begun = performance.now();
      await host.must('sh', ['-c', command]);
      await until(async () => (await list().catch(() => '')) === before, {
        what: `repair of ${command}`,
        timeoutMs: 5000,
        state: () => list().catch((error: unknown) => String(error)),
      });
      const took = Math.round(performance.now() - begun);
      t.log(`${command}: ${took} ms`);
      t.true(took < 1000, `${command}: ${took} ms`);
    }
  });
}
