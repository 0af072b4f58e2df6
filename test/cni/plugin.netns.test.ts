// The plugin in front of Debian's, in real network namespaces, in each of its forms: chained in a list, checked, collected.

import test from 'ava';
import { hasPlugins, PLUGIN_FORMS } from '../helpers/cni-plugin.js';
import { PluginError } from '../../src/lab/cni-runtime.js';
import { CniScene, DATA_DIR, envText, listOf, SUBNET_FILE } from '../helpers/cni-scene.js';
import { canMakeHosts } from '../helpers/lab.js';

const PORTMAP = { type: 'portmap', capabilities: { portMappings: true } };
const BANDWIDTH = { type: 'bandwidth', capabilities: { bandwidth: true } };
const CHAIN = listOf('cbr0', { delegate: { hairpinMode: true, isDefaultGateway: true } }, [
  PORTMAP,
  BANDWIDTH,
]);
/** Without portmap: its CHECK, before 1.2, wants rules of IPv6 also where there is no such address. */
const CHECKED = { ...CHAIN, plugins: CHAIN.plugins.filter((plugin) => plugin !== PORTMAP) };
const WISHES = {
  portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'tcp' }],
  bandwidth: { ingressRate: 8_000_000, ingressBurst: 800_000, egressRate: 8_000_000, egressBurst: 800_000 },
};

for (const form of PLUGIN_FORMS) {
  test(`${form}: a pod of a chained list has its address, its route, its MTU, and goes without a trace`, async (t) => {
    if (!canMakeHosts(t) || !hasPlugins(t)) return;
    const scene = await CniScene.create(t, form);
    const pod = await scene.pod();
    const eth0 = scene.attachment(pod);

    const result = await scene.runtime.add(CHAIN, eth0, WISHES);
    t.is(result.ips?.[0]?.address, '10.5.7.2/24');
    t.regex(await pod.place.must('ip', ['route']), /10\.5\.0\.0\/16 via 10\.5\.7\.1/);
    t.regex(await pod.place.must('ip', ['link', 'show', 'eth0']), /mtu 1450/);
    t.is((await pod.place.exec('ping', ['-c1', '-W2', '10.5.7.1'])).code, 0);
    t.deepEqual(scene.addresses(), ['10.5.7.2']);
    t.deepEqual(scene.names(DATA_DIR), ['c0ffee0001', 'c0ffee0001:eth0.json']);

    await scene.runtime.check(CHECKED, eth0, result, WISHES);
    await scene.runtime.del(CHAIN, eth0, result, WISHES);
    t.deepEqual(await scene.standing(), CniScene.NOTHING);
    await scene.runtime.del(CHAIN, eth0, result, WISHES);
  });

  test(`${form}: CHECK is the delegate's, and finds what is gone`, async (t) => {
    if (!canMakeHosts(t) || !hasPlugins(t)) return;
    const scene = await CniScene.create(t, form);
    const pod = await scene.pod();
    const eth0 = scene.attachment(pod);
    const list = listOf('cbr0');
    const result = await scene.runtime.add(list, eth0);
    await scene.runtime.check(list, eth0, result);

    await scene.host.writeFile(SUBNET_FILE, envText('10.5.0.0/16', '10.5.9.1/24'));
    const outdated = await t.throwsAsync(scene.runtime.check(list, eth0, result), {
      instanceOf: PluginError,
    });
    t.is(outdated.code, 101);
    t.regex(outdated.message, /10\.5\.7\.0\/24.*this host now has 10\.5\.9\.0\/24/);
    await scene.host.writeFile(SUBNET_FILE, envText('10.5.0.0/16', '10.5.7.1/24'));

    await pod.place.ip(['link del eth0']);
    const gone = await t.throwsAsync(scene.runtime.check(list, eth0, result), { instanceOf: PluginError });
    t.regex(gone.message, /eth0/);
    await scene.runtime.del(list, eth0, result);
    t.deepEqual(await scene.standing(), CniScene.NOTHING);
  });
}

test('masquerading of the delegate is the opposite of the daemon’s', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  await scene.host.writeFile(SUBNET_FILE, envText('10.5.0.0/16', '10.5.7.1/24', 1450, false));
  const eth0 = scene.attachment(await scene.pod());
  await scene.runtime.add(listOf('cbr0'), eth0);
  t.regex(await scene.host.must('iptables', ['-t', 'nat', '-S']), /MASQUERADE/);
  await scene.runtime.del(listOf('cbr0'), eth0);
  t.notRegex(await scene.host.must('iptables', ['-t', 'nat', '-S']), /MASQUERADE/);
});

test('other delegates do as well: ptp', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  const pod = await scene.pod();
  const eth0 = scene.attachment(pod);
  const list = listOf('cbr0', { delegate: { type: 'ptp' } });
  const result = await scene.runtime.add(list, eth0);
  t.is((await pod.place.exec('ping', ['-c1', '-W2', '10.5.7.1'])).code, 0);
  await scene.runtime.check(list, eth0, result);
  await scene.runtime.del(list, eth0, result);
  t.deepEqual(await scene.standing(), CniScene.NOTHING);
});

test('both families: an address and a route of each', async (t) => {
  if (!canMakeHosts(t) || !hasPlugins(t)) return;
  const scene = await CniScene.create(t);
  const six = 'FLANNEL_IPV6_NETWORK=fc00:5::/48\nFLANNEL_IPV6_SUBNET=fc00:5:0:47::1/64\n';
  await scene.host.writeFile(SUBNET_FILE, six + envText('10.5.0.0/16', '10.5.7.1/24'));
  const pod = await scene.pod();
  const eth0 = scene.attachment(pod);
  const result = await scene.runtime.add(listOf('cbr0'), eth0);
  t.deepEqual(
    result.ips?.map(({ address }) => address),
    ['10.5.7.2/24', 'fc00:5:0:47::2/64'],
  );
  t.regex(await pod.place.must('ip', ['-6', 'route']), /fc00:5::\/48 via fc00:5:0:47::1/);
  await scene.runtime.del(listOf('cbr0'), eth0, result);
  t.deepEqual(await scene.standing(), CniScene.NOTHING);
});
