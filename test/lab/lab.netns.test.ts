// What a lab's host is: a machine of its own as far as a daemon can see.

import { hostname } from 'node:os';
import { readFileSync } from 'node:fs';
import test from 'ava';
import { Lab } from '../../src/lab/lab.js';
import { ping, Pinger } from '../../src/lab/ping.js';
import { canMakeHosts } from '../helpers/lab.js';

test('hosts have their own name, machine id, /run, /var/lib and devices, and see each other on the wire', async (t) => {
  if (!canMakeHosts(t)) return;
  const lab = await Lab.create({ mtu: 1400 });
  t.teardown(() => lab.close());
  const [one, two] = [await lab.addHost(), await lab.addHost()];

  const names = await Promise.all([one, two].map((host) => host.must('uname', ['-n'])));
  t.deepEqual(names, ['host1\n', 'host2\n']);
  t.false(names.includes(`${hostname()}\n`));
  const ids = await Promise.all([one, two].map((host) => host.must('cat', ['/etc/machine-id'])));
  t.regex(ids[0] ?? '', /^[0-9a-f]{32}\n$/);
  t.not(ids[0], ids[1]);
  await one.writeFile('/run/flannel/x', 'one');
  await one.writeFile('/var/lib/deep/er/y', 'one');
  t.is(await one.must('cat', ['/run/flannel/x']), 'one');
  t.is(await one.readFile('/var/lib/deep/er/y'), 'one');
  t.not((await two.exec('cat', ['/run/flannel/x'])).code, 0);
  t.throws(() => readFileSync('/var/lib/deep/er/y'), { code: 'ENOENT' });
  await t.throwsAsync(one.writeFile('/proc/sys/net/ipv4/ip_forward', '0'), { code: 'COMMAND_FAILED' });
  t.is((await one.must('cat', ['/proc/sys/net/ipv4/ip_forward'])).trim(), '1');

  const links = JSON.parse(await one.must('ip', ['-j', 'link'])) as { ifname: string; mtu: number }[];
  t.deepEqual(
    links
      .filter(({ ifname }) => ifname === 'lo' || ifname === 'eth0')
      .map(({ ifname, mtu }) => [ifname, mtu]),
    [
      ['lo', 65536],
      ['eth0', 1400],
    ],
  );
  t.is((await ping(one, two.address, { count: 3, intervalSeconds: 0.01 })).received, 3);
  t.is((await ping(one, lab.wireAddress)).received, 1);
  t.is((await ping(one, '192.168.50.77', { waitSeconds: 0.1 })).received, 0);
  t.regex(await one.must('ip', ['route']), /^default via 192\.168\.50\.254 dev eth0/m);
});

test('a running ping counts every loss and measures how long traffic stood still', async (t) => {
  if (!canMakeHosts(t)) return;
  const lab = await Lab.create();
  t.teardown(() => lab.close());
  const [one, two] = [await lab.addHost(), await lab.addHost()];

  const calm = await Pinger.start(one, two.address);
  await calm.more(25);
  t.is((await calm.stop()).lost, 0);

  const broken = await Pinger.start(one, two.address);
  await broken.more(5);
  await lab.wire.ip(['link set host2 down']);
  const downAt = performance.now();
  // A second ping on an interface that still works is the clock: a hundred of its replies.
  const other = await Pinger.start(one, lab.wireAddress);
  await other.more(30);
  await lab.wire.ip(['link set host2 up']);
  const downFor = performance.now() - downAt;
  await broken.more(10);
  const report = await broken.stop();
  t.is((await other.stop()).lost, 0);
  t.true(report.longestGapMs >= downFor - 20, `${report.longestGapMs} ms for ${downFor} ms`);
  t.true(report.lost >= downFor / 8 / 2, `${report.lost} lost in ${downFor} ms`);
  t.is(report.sent, report.received + report.lost);
});

test('a daemon that is started has the pid of its own program, and dies by the signal it is sent', async (t) => {
  if (!canMakeHosts(t)) return;
  const lab = await Lab.create();
  t.teardown(() => lab.close());
  const host = await lab.addHost();
  const sleeper = host.spawn('sh', ['-c', 'echo $$; exec sleep 600']);
  await new Promise<void>((resolve) => {
    sleeper.output.onLine(() => {
      resolve();
    });
  });
  t.is(sleeper.output.text(), String(sleeper.pid));
  t.deepEqual(await sleeper.stop('SIGTERM'), { code: null, signal: 'SIGTERM' });
  await lab.close();
  t.throws(() => host.spawn('true'), { code: 'CLOSED' });
  await t.throwsAsync(host.exec('true'), { code: 'CLOSED' });
});
