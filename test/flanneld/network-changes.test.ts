// A config that changes under a network that runs: src/flanneld/network-changes.ts, on whole hosts over fakes.

import test, { type ExecutionContext } from 'ava';
import { networksScene, type NetworksHost, type NetworksScene } from '../helpers/networks-host.js';

const KEY = '/networks/blue/config';
const FILE = '/run/flannel/networks/blue.env';
const BASE = { Network: '10.5.0.0/16', Backend: { Type: 'vxlan', VNI: 2 } };

/** A host that is ready, with a peer, and the way to put another config. */
async function running(
  t: ExecutionContext,
): Promise<NetworksScene & { host: NetworksHost; put: (config: object | string) => void }> {
  const scene = networksScene(t);
  const put = (config: object | string): void => {
    scene.store.put(KEY, typeof config === 'string' ? config : JSON.stringify(config));
  };
  put(BASE);
  const [host, peer] = [1, 2].map((number) => scene.start(number, ['-networks-prefix=/networks'])) as [
    NetworksHost,
    NetworksHost,
  ];
  await scene.until('both hosts', () =>
    [host, peer].every((one) => one.report('blue')?.state === 'ready' && /via/.test(one.kernel.toString())),
  );
  return { ...scene, host, put };
}

test('the MTU changes in place: device and env file, and nothing else', async (t) => {
  const { host, put, until } = await running(t);
  const [index, before] = [host.kernel.indexOf('flannel.2'), host.kernel.toString()];
  put({ ...BASE, Backend: { ...BASE.Backend, MTU: 1400 } });
  await until('the env file', () => host.envFiles.text(FILE)?.includes('FLANNEL_MTU=1350') === true);
  await until('the device', () => host.kernel.toString().includes('mtu 1350'));
  t.is(host.kernel.indexOf('flannel.2'), index);
  t.is(host.kernel.toString(), before.replace('mtu 1450', 'mtu 1350'));
  t.is(host.report('blue')?.state, 'ready');
});

test('DirectRouting comes and goes while the network runs', async (t) => {
  const { host, put, until } = await running(t);
  put({ ...BASE, Backend: { ...BASE.Backend, DirectRouting: true } });
  await until('a plain route', () => /via 192\.168\.50\.2 dev eth0 proto 241/.test(host.kernel.toString()));
  put(BASE);
  await until('the tunnel again', () =>
    /via 10\.5\.\d+\.0 dev flannel\.2 proto 241/.test(host.kernel.toString()),
  );
  t.notRegex(host.kernel.toString(), /via 192\.168\.50\.2/);
});

test('IPMasq of the config goes before the flag, and the env file follows', async (t) => {
  const { host, put, until } = await running(t);
  t.regex(host.envFiles.text(FILE)!, /FLANNEL_IPMASQ=false/);
  put({ ...BASE, IPMasq: true });
  // Without tools for rules there is none to switch on: the network begins anew, and waits for one in the program.
  await until('the env file', () => host.envFiles.text(FILE)?.includes('FLANNEL_IPMASQ=true') === true);
  put(BASE);
  await until('the env file', () => host.envFiles.text(FILE)?.includes('FLANNEL_IPMASQ=false') === true);
});

test('a pool that grows is taken over, and is what the next node claims from', async (t) => {
  const scene = networksScene(t);
  const pool = (last: number): string =>
    JSON.stringify({ ...BASE, SubnetMin: '10.5.1.0', SubnetMax: `10.5.${last}.0` });
  scene.store.put(KEY, pool(2));
  const hosts = [1, 2, 3].map((number) => scene.start(number, ['-networks-prefix=/networks']));
  const ready = (): number => hosts.filter((host) => host.report('blue')?.state === 'ready').length;
  await scene.until('two of three', () => ready() === 2);
  await scene.until('the third to be told', () =>
    hosts.some((host) => /waiting-for-lease/.test(host.codes('blue'))),
  );
  scene.store.put(KEY, pool(3));
  await scene.until('the third', () => ready() === 3);
  for (const host of hosts) t.is(host.counters.get('configsRefused'), 0);
});

const REFUSED: readonly (readonly [string, object | string, RegExp])[] = [
  [
    'another range',
    { ...BASE, Network: '10.6.0.0/16' },
    /Network 10\.5\.0\.0\/16 cannot become 10\.6\.0\.0\/16/,
  ],
  ['another length of subnets', { ...BASE, SubnetLen: 25 }, /SubnetLen 24 cannot become 25/],
  ['a smaller pool', { ...BASE, SubnetMax: '10.5.9.0' }, /can only let more subnets in/],
  [
    'another VNI',
    { ...BASE, Backend: { Type: 'vxlan', VNI: 3 } },
    /Backend\.VNI from 2 to 3 .*"Replace": true/,
  ],
  [
    'another backend',
    { ...BASE, Backend: { Type: 'host-gw' } },
    /Backend\.Type from vxlan to host-gw .*"Replace"/,
  ],
  [
    'a backend there is not',
    { ...BASE, Backend: { Type: 'ipsec' } },
    /backend type "ipsec" is not available/,
  ],
  ['no JSON', '{"Network":', /not valid JSON/],
  ['IPv6', { ...BASE, EnableIPv6: true, IPv6Network: 'fc00::/48' }, /IPv6 is not supported yet/],
];
for (const [what, config, reason] of REFUSED) {
  test(`${what} is refused with the reason, and the running network is not touched`, async (t) => {
    const { host, put, until, clock } = await running(t);
    const [kernel, env] = [host.kernel.toString(), host.envFiles.text(FILE)];
    put(config);
    await until('the refusal', () => host.codes('blue') === 'config-refused');
    t.regex(host.logger.lines.findLast(({ message }) => message.includes('refused'))!.fields.reason!, reason);
    t.regex(host.status('blue')!.reason, /a changed network config is refused/);
    await clock.advance(10_000);
    t.is(host.kernel.toString(), kernel);
    t.is(host.envFiles.text(FILE), env);
    put(BASE);
    await until('all to be well again', () => host.report('blue')?.state === 'ready');
    t.is(host.kernel.toString(), kernel);
  });
}

test('with "Replace": true another backend takes the place, and the former device goes', async (t) => {
  const { host, put, until } = await running(t);
  const subnet = /FLANNEL_SUBNET=(\S+)/.exec(host.envFiles.text(FILE)!)![1];
  put({ ...BASE, Backend: { Type: 'vxlan', VNI: 3 }, Replace: true });
  await until(
    'the new device',
    () => /flannel\.3/.test(host.kernel.toString()) && host.report('blue')?.state === 'ready',
  );
  t.notRegex(host.kernel.toString(), /flannel\.2/);
  put({ ...BASE, Backend: { Type: 'host-gw' }, Replace: true });
  await until('plain routes', () => /via 192\.168\.50\.2 dev eth0/.test(host.kernel.toString()));
  t.notRegex(host.kernel.toString(), /flannel/);
  t.is(/FLANNEL_SUBNET=(\S+)/.exec(host.envFiles.text(FILE)!)![1], subnet);
});

test('a config that is written again and says the same changes nothing', async (t) => {
  const { host, put, until, clock } = await running(t);
  const kernel = host.kernel.toString();
  put(BASE);
  put({ ...BASE, Comment: 'by hand' });
  await clock.advance(5_000);
  await until('all to be well', () => host.report('blue')?.state === 'ready');
  t.is(host.kernel.toString(), kernel);
  t.is(host.logger.lines.filter(({ message }) => message === 'the network begins anew').length, 0);
});
