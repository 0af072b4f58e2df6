// Several networks on one host with the real plugins: the multi-network guide's configs through multus, one state folder for
// two interfaces, a network by name, GC.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { DEBIAN_PLUGINS, hasPlugins } from '../helpers/cni-plugin.js';
import { until } from '../../src/lab/until.js';
import { PluginError, type MultusConf } from '../../src/lab/cni-runtime.js';
import { CniScene, DATA_DIR, envText, listOf } from '../helpers/cni-scene.js';
import { canMakeHosts } from '../helpers/lab.js';

const SECOND = '/run/flannel/networks/subnets2.env';
const SECOND_DATA = '/var/lib/cni/flannel/2';

/** The guide's file: the second network first, the first one as the master. */
const GUIDE: MultusConf & { readonly cniVersion: string } = {
  cniVersion: '0.2.0',
  name: 'multus-demo',
  type: 'multus',
  delegates: [
    {
      type: 'flannel',
      name: 'flannel.2',
      subnetFile: SECOND,
      dataDir: SECOND_DATA,
      delegate: { type: 'bridge', bridge: 'kbr1', isDefaultGateway: false },
    },
    {
      type: 'flannel',
      name: 'flannel.1',
      masterplugin: true,
      delegate: { type: 'bridge', bridge: 'docker0', isDefaultGateway: true },
    },
  ],
};

test('a pod of the multi-network guide has eth0 and net0, each of its network, and goes without a trace', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  await scene.host.writeFile(SECOND, envText('173.17.0.0/16', '173.17.9.1/24'));
  const pod = await scene.pod();
  const results = await scene.multus.add(GUIDE, pod);
  t.is(results.get('eth0')?.ip4?.ip, '10.5.7.2/24');
  t.is(results.get('net0')?.ip4?.ip, '173.17.9.2/24');
  t.regex(await pod.place.must('ip', ['route']), /default via 10\.5\.7\.1 dev eth0/);
  t.regex(await pod.place.must('ip', ['route']), /173\.17\.0\.0\/16 via 173\.17\.9\.1 dev net0/);
  for (const gateway of ['10.5.7.1', '173.17.9.1'])
    t.is((await pod.place.exec('ping', ['-c1', '-W2', gateway])).code, 0, gateway);
  await scene.multus.del(GUIDE, pod);
  t.deepEqual(await scene.standing(SECOND_DATA), CniScene.NOTHING);
  t.deepEqual(scene.names(DATA_DIR), ['2']);
});

test('the second network alone goes on when the first one has failed', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  const pod = await scene.pod();
  // No second env file: the master is there, and the pod as a whole fails and is taken away.
  await t.throwsAsync(scene.multus.add(GUIDE, pod), {
    message: /open \/run\/flannel\/networks\/subnets2\.env/,
  });
  t.deepEqual(scene.addresses(), ['10.5.7.2']);
  await scene.multus.del(GUIDE, pod);
  t.deepEqual(await scene.standing(), { ...CniScene.NOTHING, state: [] });
});

test('two interfaces of a pod share a state folder, which upstream’s plugin could not', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  await scene.host.writeFile('/run/flannel/networks/blue.env', envText('10.6.0.0/16', '10.6.3.1/24'));
  const pod = await scene.pod();
  const first = listOf('cbr0');
  const second = listOf('blue', { network: 'blue', delegate: { bridge: 'kbr1' } });
  await scene.runtime.add(first, scene.attachment(pod));
  await scene.runtime.add(second, scene.attachment(pod, 'net0'));
  t.deepEqual(scene.addresses(), ['10.6.3.2', '10.5.7.2']);
  t.is(scene.names('/run/flannel/cni').length, 2);
  await scene.runtime.del(first, scene.attachment(pod));
  t.deepEqual(scene.addresses(), ['10.6.3.2']);
  t.regex(await pod.place.must('ip', ['-4', 'address', 'show', 'net0']), /10\.6\.3\.2/);
  await scene.runtime.del(second, scene.attachment(pod, 'net0'));
  t.deepEqual(await scene.standing(), CniScene.NOTHING);
});

test('GC gives the addresses of vanished pods back, although Debian’s plugins do not know the command', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  const list = listOf('cbr0');
  const pods = await Promise.all([scene.pod(), scene.pod(), scene.pod()]);
  for (const pod of pods) await scene.runtime.add(list, scene.attachment(pod));
  const [stays, ...gone] = pods;
  for (const pod of gone) await pod.place.close();
  t.is(scene.addresses().length, 3);
  await scene.runtime.gc({ ...list, cniVersion: '1.1.0' }, [scene.attachment(stays)]);
  t.deepEqual(scene.addresses(), ['10.5.7.2']);
  t.deepEqual(scene.names(DATA_DIR), ['c0ffee0001', 'c0ffee0001:eth0.json']);
  await scene.runtime.del(list, scene.attachment(stays));
  t.deepEqual(await scene.standing(), CniScene.NOTHING);
});

test('a pod whose namespace has vanished before its DEL leaves nothing', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  const pod = await scene.pod();
  const eth0 = scene.attachment(pod);
  await scene.runtime.add(listOf('cbr0'), eth0);
  await pod.place.close();
  await scene.runtime.del(listOf('cbr0'), eth0);
  t.deepEqual(await scene.standing(), CniScene.NOTHING);
});

test('STATUS is truthful about Debian’s plugins, which do not speak 1.1.0 yet', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  const error = await t.throwsAsync(scene.runtime.status({ ...listOf('cbr0'), cniVersion: '1.1.0' }));
  t.regex(error.message, /bridge does not support CNI 1\.1\.0, so that an ADD would fail/);
});

test('what ours has attached, upstream’s way of DEL takes away', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  const pod = await scene.pod();
  const eth0 = scene.attachment(pod);
  await scene.runtime.add(listOf('cbr0'), eth0);
  // Upstream's plugin reads <dataDir>/<container id>, and hands it to the plugin it is for.
  const conf = JSON.parse(scene.read(`${DATA_DIR}/${pod.containerId}`)) as { type: string };
  await scene.runtime.must('DEL', conf, eth0);
  t.deepEqual(scene.addresses(), []);
  t.is((await pod.place.exec('ip', ['link', 'show', 'eth0'])).code, 1);
});

test('of two ADDs at once one wins, the other is told to wait, and does no harm', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  const wait = 'touch /run/begun; until [ -e /run/go ]; do sleep 0.02; done';
  const slow = `#!/bin/sh\n[ "$CNI_COMMAND" = ADD ] && { ${wait}; }\nexec ${DEBIAN_PLUGINS}/bridge\n`;
  await writeFile(join(scene.bin, 'bridge'), slow, { mode: 0o755 });
  const pod = await scene.pod();
  const eth0 = scene.attachment(pod);
  const list = listOf('cbr0');
  const first = scene.runtime.add(list, eth0);
  await until(() => scene.names('/run').includes('begun'), { what: 'the first ADD to be at work' });
  const second = await t.throwsAsync(scene.runtime.add(list, eth0), { instanceOf: PluginError });
  t.is(second.code, 11);
  await scene.host.writeFile('/run/go', '');
  await first;
  t.deepEqual(scene.addresses(), ['10.5.7.2']);
  t.is((await pod.place.exec('ping', ['-c1', '-W2', '10.5.7.1'])).code, 0);
  await scene.runtime.del(list, eth0);
  t.deepEqual(await scene.standing(), CniScene.NOTHING);
});

test('a plugin that was killed leaves its delegate at work: DEL waits for that one, and nothing leaks', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  const slow = `#!/bin/sh\n[ "$CNI_COMMAND" = ADD ] && { touch /run/begun; sleep 1; }\nexec ${DEBIAN_PLUGINS}/bridge\n`;
  await writeFile(join(scene.bin, 'bridge'), slow, { mode: 0o755 });
  const eth0 = scene.attachment(await scene.pod());
  const conf = { type: 'flannel', name: 'cbr0', cniVersion: '1.0.0' };
  let pid = 0;
  const add = scene.runtime.run('ADD', 'flannel', conf, eth0, {
    started: (started) => {
      pid = started;
    },
  });
  await until(() => scene.names('/run').includes('begun'), { what: 'the delegate to be at work' });
  process.kill(pid, 'SIGKILL');
  t.is((await scene.runtime.run('DEL', 'flannel', conf, eth0)).code, 0);
  await add;
  t.deepEqual(await scene.standing(), CniScene.NOTHING);
});
