// Traffic rules over the life of a daemon: a restart that writes nothing, a change of mode, hosts in different modes,
// tools that are missing, peers that come and go, the blackhole route.

import test, { type ExecutionContext } from 'ava';
import type { Member } from '../../src/lab/cluster.js';
import { Flanneld } from '../../src/lab/flanneld.js';
import type { Host } from '../../src/lab/host.js';
import type { Argv } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, flanneldCommand, makeCluster, member } from '../helpers/lab.js';
import {
  configOf,
  makeRuleCluster,
  MODES,
  SYSTEM_PATH,
  withoutTools,
  type Mode,
} from '../helpers/rules-lab.js';

const TRACE = '/run/trace';
/** -D: the daemon keeps its pid, and strace is its child. */
const traced: Argv = [
  'strace',
  '-D',
  '-f',
  '-s',
  '256',
  '-e',
  'trace=sendmsg,sendto,execve',
  '-o',
  TRACE,
  ...flanneldCommand(),
];

/** What the daemon and the tools it ran asked the kernel or each other to change. */
async function writes(host: Host): Promise<string[]> {
  const lines = (await host.readFile(TRACE)).split('\n');
  const netlink = lines.filter((line) => /nlmsg_type=RTM_(NEW|DEL|SET)/.test(line));
  const tools = lines.filter(
    (line) =>
      /execve\(/.test(line) &&
      /"nft", "-f"|iptables-restore|"(iptables|nft)", "-?(A|D|I|N|X|add|delete|flush)/.test(line),
  );
  return [...netlink, ...tools];
}

/** Restarts the member under strace with `prelude` run in its host first, and waits for a quiet moment after READY. */
async function tracedRestart(
  t: ExecutionContext,
  mode: Mode,
  meddle: (who: Member) => Promise<unknown>,
): Promise<string[]> {
  const cluster = await makeRuleCluster(t, mode, 2);
  const who = member(cluster, 0);
  await who.flanneld.stop('SIGTERM');
  await meddle(who);
  who.flanneld = Flanneld.start(who.host, {
    ...cluster.daemonOptions({ args: ['-ip-masq'] }),
    command: traced,
  });
  await who.flanneld.ready();
  // The last thing a start does is to look for upstream's tables.
  await until(async () => (await who.host.readFile(TRACE)).includes('"flannel-ipv6"'), {
    what: 'the start to be over',
  });
  await who.flanneld.stop('SIGTERM');
  return writes(who.host);
}

for (const mode of MODES) {
  test.serial(
    `${mode}: a restart with nothing to change writes nothing, to the kernel or by a tool`,
    async (t) => {
      if (!canMakeHosts(t)) return;
      t.deepEqual(await tracedRestart(t, mode, () => Promise.resolve()), []);
    },
  );

  test.serial(`${mode}: the count of writes sees a single redundant or missing thing`, async (t) => {
    if (!canMakeHosts(t)) return;
    const seen = await tracedRestart(t, mode, async ({ host }) => {
      await host.must('ip', ['neigh', 'flush', 'dev', 'flannel.1', 'nud', 'permanent']);
      await host.must('sh', [
        '-c',
        mode === 'nftables'
          ? 'nft flush chain ip flannel-network postrtg'
          : 'iptables -t nat -F FLANNEL-POSTRTG',
      ]);
    });
    t.true(
      seen.some((line) => line.includes('RTM_NEWNEIGH')),
      seen.join('\n'),
    );
    t.true(
      seen.some((line) => /"nft", "-f"|iptables-restore/.test(line)),
      seen.join('\n'),
    );
  });
}

test.serial('a change of mode leaves nothing of the other mode, there and back', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeRuleCluster(t, 'iptables', 1);
  const who = member(cluster, 0);
  const has = async (command: string): Promise<boolean> =>
    (await who.host.exec('sh', ['-c', command])).code === 0;
  const natChain = 'iptables -t nat -S FLANNEL-POSTRTG';
  const masquerade = 'nft list chain ip flannel-network postrtg';
  const jumps = 'iptables-save | grep -q FLANNEL';
  t.deepEqual([await has(natChain), await has(masquerade)], [true, false]);
  for (const mode of ['nftables', 'iptables'] as const) {
    await cluster.store.put('/coreos.com/network/config', JSON.stringify(configOf(mode)));
    await who.flanneld.stop('SIGTERM');
    who.flanneld = await Flanneld.up(who.host, cluster.daemonOptions({ args: ['-ip-masq'] }));
    const nft = mode === 'nftables';
    await until(async () => (await has(masquerade)) === nft && (await has(natChain)) === !nft, {
      what: `only ${mode} rules`,
      state: () => who.host.must('sh', ['-c', 'nft list ruleset; iptables-save']),
    });
    t.is(await has('iptables-save -t nat | grep -q FLANNEL'), !nft, 'no jump into a chain that is gone');
  }
  t.true(await has(jumps));
});

test.serial('hosts in different modes work together', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 0, { config: configOf('nftables') });
  await cluster.addMember({ args: ['-ip-masq'] });
  await cluster.store.put('/coreos.com/network/config', JSON.stringify(configOf('iptables')));
  await cluster.addMember({ args: ['-ip-masq'] });
  await cluster.connected();
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  t.is((await one.host.exec('nft', ['list', 'chain', 'ip', 'flannel-network', 'postrtg'])).code, 0);
  t.is((await two.host.exec('iptables', ['-t', 'nat', '-S', 'FLANNEL-POSTRTG'])).code, 0);
});

test.serial('the set of peers follows the leases', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeRuleCluster(t, 'nftables', 2);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const set = (): Promise<string> => one.host.must('nft', ['list', 'set', 'ip', 'flannel-network', 'peers']);
  t.regex(await set(), /elements = \{ 192\.168\.50\.2 \}/);
  const three = await cluster.addMember({ args: ['-ip-masq'] });
  await cluster.connected();
  t.regex(await set(), /192\.168\.50\.2, 192\.168\.50\.3/);
  await three.flanneld.stop('SIGKILL');
  await cluster.store.delete((await cluster.leaseOf(three.host)).key);
  await until(async () => !(await set()).includes('192.168.50.3'), {
    what: 'the peer that left to be put out',
    state: set,
  });
  t.regex(await set(), /192\.168\.50\.2/);
  t.is(two.flanneld.process.exit, undefined);
});

test.serial(
  'without nft and iptables it goes on after one error line, but not where it is to masquerade',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 0);
    const [plain, masquerading] = [await cluster.lab.addHost(), await cluster.lab.addHost()];
    const env = SYSTEM_PATH;
    const started = await Flanneld.up(plain, { ...cluster.daemonOptions({ command: withoutTools() }), env });
    t.regex(started.log(100), /no traffic rules: going on without them/);
    const waiting = Flanneld.start(masquerading, {
      ...cluster.daemonOptions({ command: withoutTools(), args: ['-ip-masq'] }),
      env,
    });
    await until(() => /set up the traffic rules/.test(waiting.log(100)), {
      what: 'the wait to be told',
      state: () => waiting.log(100),
    });
    t.is(
      (await masquerading.exec('cat', ['/run/flannel/subnet.env'])).code,
      1,
      'no promise of a masquerade that is not there',
    );
    t.is((await waiting.stop('SIGTERM')).code, 0);
    t.is((await started.stop('SIGTERM')).code, 0);
  },
);

test.serial('the blackhole route is made and kept, and gives way to nobody unnoticed', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 0);
  const host = await cluster.lab.addHost();
  const daemon = await Flanneld.up(host, cluster.daemonOptions({ args: ['-ip-blackhole-route'] }));
  const { subnet } = await cluster.leaseOf(host);
  const shown = async (): Promise<boolean> =>
    (await host.must('ip', ['route', 'show', 'type', 'blackhole'])).includes(subnet);
  await until(shown, { what: `the blackhole for ${subnet}` });
  await host.must('ip', ['route', 'del', 'blackhole', subnet]);
  await until(shown, { what: 'the blackhole to be back', timeoutMs: 1_000 });
  t.is((await daemon.stop('SIGTERM')).code, 0);
  await host.must('ip', ['route', 'del', 'blackhole', subnet]);
  await host.ip([
    'link add cni0 type bridge',
    'link set cni0 up',
    `address add ${subnet.replace('.0/', '.1/')} dev cni0`,
  ]);
  const again = await Flanneld.up(host, cluster.daemonOptions({ args: ['-ip-blackhole-route'] }));
  await until(() => /blackhole.*is in its place and is not ours/.test(again.log(100)), {
    what: 'the collision to be told',
    state: () => again.log(100),
  });
  t.is((await again.stop('SIGTERM')).code, 0);
});
