// The multi-network guide, replayed with real plugins: the old way with two daemons and the guide's own files, and ours with
// one daemon and one put a network (src/lab/guide.ts).

import { readdirSync } from 'node:fs';
import test from 'ava';
import { addGuidePod, guideKeys, startGuide, type GuidePod, type GuideWay } from '../../src/lab/guide.js';
import type { Host } from '../../src/lab/host.js';
import { ping } from '../../src/lab/ping.js';
import { until } from '../../src/lab/until.js';
import { DEBIAN_PLUGINS, hasPlugins, pluginFolder } from '../helpers/cni-plugin.js';
import { canMakeHosts, makeCluster } from '../helpers/lab.js';

function filesIn(host: Host, folder: string): readonly string[] {
  try {
    return readdirSync(host.path(folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !/^(lock|last_reserved_ip\.\d+)$/.test(entry.name))
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Whether a reply comes when it is sent out of that interface. */
async function reaches(from: GuidePod, ifname: string, address: string): Promise<boolean> {
  const args = ['-n', '-c', '1', '-W', '1', '-I', ifname, address];
  return (await from.place.exec('ping', args)).code === 0;
}

const WAYS: readonly (readonly [GuideWay, string])[] = [
  ['old', 'two daemons and the guide’s files, unchanged'],
  ['ours', 'one daemon, and one put a network'],
];
for (const [way, what] of WAYS) {
  test.serial(`a pod on two networks reaches the other host’s pod on each: ${what}`, async (t) => {
    if (!canMakeHosts(t) || !hasPlugins(t)) return;
    const cluster = await makeCluster(t, 0, { config: undefined });
    for (const [key, config] of guideKeys(way)) await cluster.store.put(key, config);
    const hosts = [await cluster.lab.addHost(), await cluster.lab.addHost()];
    const daemons = (
      await Promise.all(hosts.map((host) => startGuide(host, way, cluster.daemonOptions())))
    ).flat();
    t.teardown(() => {
      if (!t.passed) for (const daemon of daemons) t.log(daemon.log(15));
    });
    const path = [await pluginFolder(t), DEBIAN_PLUGINS];
    const pods = await Promise.all(hosts.map((host) => addGuidePod(host, way, path, 1)));
    const [one, two] = pods as [GuidePod, GuidePod];

    t.regex(one.addresses.get('eth0')!, /^10\.5\./);
    t.regex(one.addresses.get('net0')!, /^173\.17\./);
    for (const [ifname, address] of two.addresses) {
      await until(async () => (await reaches(one, ifname, address)) || undefined, {
        what: `a reply from ${address} through ${ifname}`,
        state: () => daemons.map((daemon) => daemon.log(5)).join('\n'),
      });
      t.is((await ping(one.place, address, { count: 3, intervalSeconds: 0.05 })).received, 3);
    }
    if (way === 'ours') {
      t.false(await reaches(one, 'eth0', two.addresses.get('net0')!), 'from the first network to the second');
      t.false(await reaches(one, 'net0', two.addresses.get('eth0')!), 'and back');
    }
    for (const pod of pods) await pod.remove();
    for (const host of hosts) {
      t.deepEqual(filesIn(host, '/var/lib/cni'), [], 'no address and no state is left');
      t.deepEqual(filesIn(host, '/run/flannel/cni'), []);
      t.notRegex(await host.must('ip', ['link']), /veth/);
    }
  });
}
