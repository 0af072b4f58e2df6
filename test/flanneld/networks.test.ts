// Networks that come and go by keys in etcd while the daemon runs: src/flanneld/networks.ts and what it supervises.

import test from 'ava';
import { networksScene } from '../helpers/networks-host.js';

const DIRECTORY = '-networks-prefix=/networks';
const key = (name: string): string => `/networks/${name}/config`;
const vxlan = (number: number, more: object = {}, options: object = {}): string =>
  JSON.stringify({
    Network: `10.${number}.0.0/16`,
    Backend: { Type: 'vxlan', VNI: number, ...options },
    ...more,
  });

test('a put joins a network, and a delete leaves it with nothing left behind', async (t) => {
  const { store, start, until, clock } = networksScene(t);
  store.put(key('red'), vxlan(1));
  const [one, two] = [start(1, [DIRECTORY]), start(2, [DIRECTORY])];
  await until('red on both', () => one.codes('red') === '' && two.report('red')?.state === 'ready');
  t.true(one.readyTold());
  const before = one.kernel.toString();
  const files = JSON.stringify(one.envFiles.paths);
  store.put(key('blue'), vxlan(2));
  await until('blue on both', () => [one, two].every((host) => host.report('blue')?.state === 'ready'));
  t.regex(one.kernel.toString(), /flannel\.2 vxlan .* up alias "flanneld:blue"/);
  t.regex(one.kernel.toString(), /10\.2\.\d+\.0\/24 via 10\.2\.\d+\.0 dev flannel\.2 proto 241 onlink/);
  t.regex(one.envFiles.text('/run/flannel/networks/blue.env') ?? '', /FLANNEL_NETWORK=10\.2\.0\.0\/16/);
  t.like(one.status('blue'), { state: 'ready', reason: '', prefix: '/networks/blue' });
  store.delete(key('blue'));
  await until('the leave to be told', () => one.codes('blue') === 'leaving');
  t.is(one.status('blue')?.state, 'leaving');
  t.regex(one.kernel.toString(), /flannel\.2/, 'the grace has not passed');
  await clock.advance(9_000);
  t.regex(one.kernel.toString(), /flannel\.2/);
  await until('blue gone', () => [one, two].every((host) => host.report('blue') === undefined));
  await clock.advance(1_000);
  t.is(one.kernel.toString(), before);
  t.deepEqual(JSON.stringify(one.envFiles.paths), files);
  t.deepEqual(one.forgotten, ['blue']);
  t.notRegex(store.toString(), /blue/);
  t.is(one.report('red')?.state, 'ready');
  t.is(one.counters.get('removalErrors'), 0);
});

test('a network that pods use is kept, and it is said who uses it; it goes when they are gone', async (t) => {
  const { store, start, until, clock } = networksScene(t);
  store.put(key('blue'), vxlan(2));
  const host = start(1, [DIRECTORY, '-network-grace=1s']);
  await until('blue', () => host.report('blue')?.state === 'ready');
  host.uses.set('/run/flannel/networks/blue.env', ['pod abc (eth0)']);
  store.delete(key('blue'));
  await clock.advance(30_000);
  t.regex(host.report('blue')?.reasons[0]?.details ?? '', /used by pod abc \(eth0\)/);
  t.regex(host.kernel.toString(), /flannel\.2/);
  t.truthy(host.envFiles.text('/run/flannel/networks/blue.env'));
  host.uses.clear();
  await until('blue gone', () => host.report('blue') === undefined);
  t.notRegex(host.kernel.toString(), /flannel\.2/);
});

test('what stands in our subnet on a device of somebody else is a use, but not a bridge that nobody is on', async (t) => {
  const { store, start, until, clock } = networksScene(t);
  store.put(key('blue'), vxlan(2));
  const host = start(1, [DIRECTORY, '-network-grace=0s']);
  await until('blue', () => host.report('blue')?.state === 'ready');
  const subnet = /FLANNEL_SUBNET=(\S+)/.exec(host.envFiles.text('/run/flannel/networks/blue.env') ?? '')![1]!;
  host.kernel.addLink({ name: 'kbr1', kind: 'bridge', mac: '02:00:00:00:01:01', addresses: [subnet] });
  store.delete(key('blue'));
  await clock.advance(10_000);
  t.regex(host.report('blue')?.reasons[0]?.details ?? '', /used by 10\.2\.\d+\.0\/24 on kbr1/);
  host.kernel.setCarrier('kbr1', false);
  await until('blue gone', () => host.report('blue') === undefined);
  t.regex(host.kernel.toString(), /kbr1/);
});

test('-network-remove=force waits for nobody', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put(key('blue'), vxlan(2));
  const host = start(1, [DIRECTORY, '-network-remove=force']);
  await until('blue', () => host.report('blue')?.state === 'ready');
  host.uses.set('/run/flannel/networks/blue.env', ['pod abc (eth0)']);
  store.delete(key('blue'));
  await until('blue gone', () => host.report('blue') === undefined);
  t.notRegex(host.kernel.toString(), /flannel\.2/);
});

test('a config that is put again within the grace keeps the network, without a change in the kernel', async (t) => {
  const { store, start, until, clock } = networksScene(t);
  store.put(key('blue'), vxlan(2));
  const host = start(1, [DIRECTORY]);
  await until('blue', () => host.report('blue')?.state === 'ready');
  const kernel = host.kernel.toString();
  store.delete(key('blue'));
  await until('the leave to be told', () => host.codes('blue') === 'leaving');
  store.put(key('blue'), vxlan(2));
  await until('blue again', () => host.report('blue')?.state === 'ready');
  await clock.advance(60_000);
  t.is(host.kernel.toString(), kernel);
  t.is(host.report('blue')?.state, 'ready');
});

test('a config that is put while the network is being left makes it begin anew', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put(key('blue'), vxlan(2));
  const host = start(1, [DIRECTORY, '-network-remove=force', '-network-grace=0s']);
  await until('blue', () => host.report('blue')?.state === 'ready');
  store.delete(key('blue'));
  await until('the env file to go', () => host.envFiles.text('/run/flannel/networks/blue.env') === undefined);
  store.put(key('blue'), vxlan(3));
  await until('blue again', () => host.report('blue')?.state === 'ready');
  t.regex(host.kernel.toString(), /flannel\.3/);
  t.notRegex(host.kernel.toString(), /flannel\.2/);
});

test('a wiped store removes no network', async (t) => {
  const { store, start, until, clock } = networksScene(t);
  store.put(key('blue'), vxlan(2));
  const host = start(1, [DIRECTORY, '-network-remove=force', '-network-grace=0s']);
  await until('blue', () => host.report('blue')?.state === 'ready');
  store.wipe();
  await until('the loss to be told', () => host.codes('blue').includes('config-gone'));
  await clock.advance(120_000);
  t.regex(host.kernel.toString(), /flannel\.2/);
  t.truthy(host.envFiles.text('/run/flannel/networks/blue.env'));
  store.put(key('blue'), vxlan(2));
  await until('blue to be ready again', () => host.report('blue')?.state === 'ready');
});

test('one poisoned network among ten: nine work', async (t) => {
  const { store, start, until } = networksScene(t);
  for (let number = 1; number <= 9; number++) store.put(key(`net${number}`), vxlan(number));
  store.put(key('poisoned'), '{"Network":"10.77.0.0/16","Backend":{"Type":"vxlan","VNI":"seven"}}');
  store.put(key('Odd_Name'), vxlan(78));
  const host = start(1, [DIRECTORY]);
  const names = Array.from({ length: 9 }, (_, index) => `net${index + 1}`);
  await until('nine networks', () => names.every((name) => host.report(name)?.state === 'ready'));
  t.is(host.report('poisoned')?.state, 'not-ready');
  t.regex(host.status('poisoned')?.reason ?? '', /Backend\.VNI of type vxlan must be a whole number/);
  t.is(host.report('Odd_Name'), undefined);
  t.true(host.readyTold());
  store.put(key('poisoned'), vxlan(77));
  await until('the tenth', () => host.report('poisoned')?.state === 'ready');
});

test('a network that fails is tried again, and the others do not notice', async (t) => {
  const { store, start, until, clock } = networksScene(t);
  store.put(key('red'), vxlan(1));
  store.put('/other/config', JSON.stringify({ Network: '10.9.0.0/16' }));
  const host = start(1, ['-etcd-prefix=/other', DIRECTORY]);
  await until('red', () => host.report('red')?.state === 'ready');
  const kernel = host.kernel.toString();
  await clock.advance(300_000);
  t.regex(host.codes('other'), /^failed/, 'there is no packet engine here');
  t.true(host.counters.get('networksFailed') > 3);
  t.is(host.kernel.toString(), kernel);
  store.put('/other/config', vxlan(9));
  await until('the other', () => host.report('other')?.state === 'ready');
});

test('two networks with one VNI, or with ranges that overlap: the later one is refused, and both are named', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put(key('red'), vxlan(1));
  const host = start(1, [DIRECTORY]);
  await until('red', () => host.report('red')?.state === 'ready');
  store.put(key('blue'), vxlan(2, {}, { VNI: 1 }));
  store.put(key('green'), vxlan(3, { Network: '10.1.128.0/17' }));
  const isRefused = (name: string): boolean => host.codes(name).includes('waiting-for-config');
  await until('both refused', () => isRefused('blue') && isRefused('green'));
  t.regex(host.status('blue')?.reason ?? '', /networks blue and red both want VNI 1 on UDP port 8472/);
  t.regex(
    host.status('green')?.reason ?? '',
    /green \(10\.1\.128\.0\/17\) overlaps network red \(10\.1\.0\.0\/16\)/,
  );
  t.is(host.report('red')?.state, 'ready');
  store.delete(key('red'));
  await until('the place to be free', () => host.report('blue')?.state === 'ready');
});

test('after a restart the elder of two rivals has the place, on every host', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put(key('zebra'), vxlan(1));
  store.put(key('ape'), vxlan(2, {}, { VNI: 1 }));
  const hosts = [1, 2, 3, 4, 5].map((number) => start(number, [DIRECTORY]));
  await until('the elder everywhere', () => hosts.every((host) => host.report('zebra')?.state === 'ready'));
  await until('the younger to be told', () =>
    hosts.every((host) => /waiting-for-config/.test(host.codes('ape'))),
  );
  for (const host of hosts) t.regex(host.status('ape')?.reason ?? '', /ape and zebra both want VNI 1/);
});

test('"VNI": "auto" is one free number that all nodes share, and is given back with the network', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put(key('red'), vxlan(1));
  store.put(key('blue'), vxlan(2, {}, { VNI: 'auto' }));
  store.put(key('green'), vxlan(3, {}, { VNI: 'auto' }));
  const hosts = [1, 2, 3].map((number) => start(number, [DIRECTORY]));
  const names = ['red', 'blue', 'green'];
  await until('all three on all three', () =>
    hosts.every((host) => names.every((name) => host.report(name)?.state === 'ready')),
  );
  const devices = hosts.map((host) =>
    [...host.kernel.toString().matchAll(/(flannel\.\d+) vxlan .*alias "flanneld:(\w+)"/g)]
      .map(([, device, network]) => `${network} ${device}`)
      .sort()
      .join(', '),
  );
  t.regex(devices[0]!, /^blue flannel\.[23], green flannel\.[23], red flannel\.1$/);
  t.is(new Set(devices).size, 1);
  store.delete(key('blue'));
  await until('blue gone', () => hosts.every((host) => host.report('blue') === undefined));
  t.notRegex(store.toString(), /blue/);
});

test('a deleted config of a network of the command line is told, and the network goes on', async (t) => {
  const { store, start, until, clock } = networksScene(t);
  store.put('/coreos.com/network/config', vxlan(1));
  const host = start(1, []);
  await until('the network', () => host.report('network')?.state === 'ready');
  t.true(host.readyTold());
  store.delete('/coreos.com/network/config');
  await clock.advance(60_000);
  t.is(host.codes('network'), 'config-gone');
  t.regex(host.kernel.toString(), /flannel\.1/);
  store.put('/coreos.com/network/config', vxlan(1));
  await until('ready again', () => host.report('network')?.state === 'ready');
});

test('several prefixes are several networks, and the first one has the usual env file too', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put('/coreos.com/network/config', vxlan(1));
  store.put('/second/config', vxlan(2));
  const host = start(1, ['-etcd-prefix=/coreos.com/network', '-etcd-prefix=blue=/second']);
  await until('both', () => ['network', 'blue'].every((name) => host.report(name)?.state === 'ready'));
  t.is(
    host.envFiles.text('/run/flannel/subnet.env'),
    host.envFiles.text('/run/flannel/networks/network.env'),
  );
  t.regex(host.envFiles.text('/run/flannel/networks/blue.env') ?? '', /10\.2\.0\.0\/16/);
});

test('a stop leaves everything in place, and says so in the status files', async (t) => {
  const { store, start, until } = networksScene(t);
  store.put(key('red'), vxlan(1));
  const host = start(1, [DIRECTORY]);
  await until('red', () => host.report('red')?.state === 'ready');
  const kernel = host.kernel.toString();
  t.is(await host.stop(), undefined);
  t.is(host.kernel.toString(), kernel);
  t.like(host.status('red'), { state: 'stopped', reason: 'flanneld was stopped' });
});
