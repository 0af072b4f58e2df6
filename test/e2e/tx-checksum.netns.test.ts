// -tx-checksum: what ethtool says of the device, after the start, after it was deleted and repaired, and without the flag.

import test from 'ava';
import type { Host } from '../../src/lab/host.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, DEVICE, makeCluster, member, restart } from '../helpers/lab.js';

const offload = async (host: Host): Promise<string | undefined> =>
  /tx-checksum-ip-generic: (\w+)/.exec(await host.must('ethtool', ['-k', DEVICE]))?.[1];

const indexOf = async (host: Host): Promise<string | undefined> =>
  /^(\d+):/.exec((await host.exec('ip', ['-o', 'link', 'show', DEVICE])).stdout)?.[1];

test('off switches the offload off, also on a device that was made anew; auto leaves it as it is', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 0);
  await cluster.addMembers(2, { args: ['-tx-checksum=off'] });
  await cluster.connected();
  const one = member(cluster, 0);
  t.is(await offload(one.host), 'off');

  const before = await indexOf(one.host);
  await one.host.ip([`link delete ${DEVICE}`]);
  await until(
    async () => {
      const index = await indexOf(one.host);
      return index !== undefined && index !== before && (await offload(one.host)) === 'off';
    },
    { what: 'the device to be there again, without the offload', state: () => one.flanneld.log() },
  );
  await cluster.connected();

  await one.flanneld.stop();
  await one.host.must('ethtool', ['-K', DEVICE, 'tx', 'on']);
  await restart(cluster, one);
  await cluster.connected();
  t.is(await offload(one.host), 'on');
});
