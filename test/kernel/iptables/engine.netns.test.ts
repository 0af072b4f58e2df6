// The engine with the machine's real iptables, of both variants, in namespaces: listings word for word, repairs,
// two networks, packets through policy DROP, a held xtables lock, and upstream's leftovers.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock.js';
import { IptablesEngine } from '../../../src/kernel/iptables/engine.js';
import { furtherChains } from '../../../src/kernel/iptables/chains.js';
import { removeUpstreamNft } from '../../../src/kernel/iptables/upstream-nft.js';
import { RulesError } from '../../../src/kernel/rules.js';
import { ToolRunner } from '../../../src/kernel/tool.js';
import { cidr } from '../../../src/subnet/cidr.js';
import { hasRoot, Netns } from '../../helpers/netns.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';
import { BLUE, GREEN, UPSTREAM_FILTER, UPSTREAM_NAT, ranges } from './helpers.js';

// Not by the PATH: the bin folder of node_modules, first in the PATH of npm's scripts, has another program `nft`.
const NFT = '/usr/sbin/nft';

type Variant = 'nft' | 'legacy';

interface World {
  readonly netns: Netns;
  readonly runner: ToolRunner;
  readonly logger: RecordingLogger;
  readonly engine: IptablesEngine;
  /** Another daemon on the same host: it shares nothing but the kernel. */
  readonly other: IptablesEngine;
  readonly lock: string;
  /** Runs the variant's iptables with these words. */
  readonly ipt: (line: string, command?: string) => Promise<string>;
  /** `-S` of a table without the policies. */
  readonly rules: (table: 'nat' | 'filter', command?: string) => Promise<string>;
}

async function makeWorld(t: ExecutionContext, variant: Variant): Promise<World> {
  const netns = await Netns.create();
  const folder = await mkdtemp(join(tmpdir(), 'tools-'));
  t.teardown(async () => {
    await netns.close();
    await rm(folder, { recursive: true, force: true });
  });
  for (const name of ['iptables', 'ip6tables'])
    for (const end of ['', '-save', '-restore'])
      await symlink(`/usr/sbin/${name}-${variant}${end}`, join(folder, name + end));
  const lock = join(folder, 'xtables.lock');
  const logger = new RecordingLogger();
  const runner = new ToolRunner({
    clock: systemClock,
    logger,
    path: `${folder}:/usr/sbin:/usr/bin:/sbin:/bin`,
    wrap: ['env', `XTABLES_LOCKFILE=${lock}`, 'nsenter', `--net=${netns.path}`],
  });
  const options = { runner, logger, primary: 'auto', waitSeconds: 1 } as const;
  const ipt = (line: string, command = 'iptables'): Promise<string> =>
    netns.exec('env', `XTABLES_LOCKFILE=${lock}`, 'sh', '-c', `${folder}/${command} ${line}`);
  const rules = async (table: 'nat' | 'filter', command?: string): Promise<string> =>
    (await ipt(`-t ${table} -S`, command))
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('-P'))
      .map((line) => `${line}\n`)
      .join('');
  const engine = new IptablesEngine(options);
  return { netns, runner, logger, engine, other: new IptablesEngine(options), lock, ipt, rules };
}

function eachVariant(
  title: string,
  body: (t: ExecutionContext, world: World, variant: Variant) => Promise<void>,
  variants: readonly Variant[] = ['nft', 'legacy'],
): void {
  for (const variant of variants) {
    test(`iptables-${variant}: ${title}`, async (t) => {
      if (hasRoot(t)) await body(t, await makeWorld(t, variant), variant);
    });
  }
}

eachVariant('the listing is upstream’s word for word', async (t, world, variant) => {
  const { engine, rules, runner } = world;
  const { problems, changes } = await engine.apply(BLUE);
  t.deepEqual(problems, []);
  t.is(changes, 12);
  t.is(await rules('nat'), UPSTREAM_NAT);
  t.is(await rules('filter'), UPSTREAM_FILTER);
  t.is(runner.spawnedBy('iptables-restore'), 1);
  t.is(await engine.needsPolling(4), variant === 'legacy');
});

eachVariant('the IPv6 listing has the same shape', async (t, { engine, rules }) => {
  const wanted = {
    ...BLUE,
    family: 6 as const,
    range: cidr('fc00:5::/48'),
    subnet: cidr('fc00:5:0:47::/64'),
  };
  t.deepEqual((await engine.apply(wanted)).problems, []);
  const expected = UPSTREAM_NAT.replaceAll('10.5.0.0/16', 'fc00:5::/48')
    .replaceAll('10.5.50.0/24', 'fc00:5:0:47::/64')
    .replace('224.0.0.0/4', 'ff00::/8');
  t.is(await rules('nat', 'ip6tables'), expected);
  t.is(await rules('nat'), '');
  t.true(await engine.remove('blue', 6));
  t.is(await rules('nat', 'ip6tables'), '');
  t.is(await rules('filter', 'ip6tables'), '');
});

eachVariant(
  'a second apply, and a restarted daemon’s, only look',
  async (t, { engine, other, runner, ipt }) => {
    await engine.apply(BLUE);
    const before = await ipt('-c', 'iptables-save');
    const spawned = runner.spawned;
    t.is((await engine.apply(BLUE)).changes, 0);
    t.is(runner.spawned, spawned + 1);
    t.is((await other.apply(BLUE)).changes, 0);
    t.is(runner.spawnedBy('iptables-restore'), 1);
    const body = (text: string): string => text.replaceAll(/^#.*$/gm, '');
    t.is(body(await ipt('-c', 'iptables-save')), body(before));
  },
);

const DAMAGE = [
  '-t nat -D FLANNEL-POSTRTG 3',
  '-t nat -F FLANNEL-POSTRTG',
  '-t nat -F',
  '-t nat -D POSTROUTING 1',
  '-t nat -F && $0 -t nat -X',
  '-F FORWARD',
  '-I FLANNEL-FWD -s 10.5.1.1 -j DROP',
  '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD',
];
eachVariant('what others change is put right in one transaction', async (t, world) => {
  const { engine, rules, runner, ipt } = world;
  await engine.apply(BLUE);
  for (const line of DAMAGE) {
    const [first = '', second] = line.split(' && $0 ');
    await ipt(first);
    if (second !== undefined) await ipt(second);
    const restores = runner.spawnedBy('iptables-restore');
    t.true((await engine.apply(BLUE)).changes > 0, line);
    t.is(runner.spawnedBy('iptables-restore'), restores + 1, line);
    t.is(await rules('nat'), UPSTREAM_NAT, line);
    t.is(await rules('filter'), UPSTREAM_FILTER, line);
  }
});

eachVariant('two daemons’ networks stand side by side, and either can go', async (t, world) => {
  const { engine, other, rules, ipt } = world;
  await ipt('-A FORWARD -i docker0 -j ACCEPT');
  await Promise.all([engine.apply(BLUE), other.apply({ ...BLUE, forward: true })]);
  await other.apply(GREEN);
  const { nat } = furtherChains('green');
  const green = (await rules('nat')).split('\n').filter((line) => line.startsWith(`-A ${nat} `));
  t.is(green.length, 6);
  t.regex(green[0] ?? '', /--mark 0x4000\/0x4000 .* RETURN$/);
  t.is((await engine.apply(BLUE)).changes, 0);
  t.is((await other.apply(GREEN)).changes, 0);

  t.true(await engine.remove('blue', 4));
  t.is((await other.apply(GREEN)).changes, 0);
  t.false((await rules('nat')).includes('10.5.'));
  await engine.apply(BLUE);
  t.true(await other.remove('green', 4));
  t.is(await rules('nat'), UPSTREAM_NAT);
  t.true(await engine.remove('blue', 4));
  t.is(await rules('nat'), '');
  t.is(await rules('filter'), '-A FORWARD -i docker0 -j ACCEPT\n');
  t.false(await engine.remove('blue', 4));
});

eachVariant(
  'a listing of upstream’s is taken over unchanged, and removed by a fresh engine that knows the range',
  async (t, world) => {
    const { netns, runner, logger, rules, ipt } = world;
    for (const [table, text] of [
      ['nat', UPSTREAM_NAT],
      ['filter', UPSTREAM_FILTER],
    ] as const)
      for (const line of text.trim().split('\n'))
        await ipt(`-t ${table} ${line.replace('! -s', "'!' -s").replace('! -d', "'!' -d")}`);
    const engine = new IptablesEngine({
      runner,
      logger,
      primary: 'auto',
      rangesOf: () => ranges('10.5.0.0/16'),
    });
    t.is((await engine.apply(BLUE)).changes, 0);
    const fresh = new IptablesEngine({
      runner,
      logger,
      primary: 'auto',
      rangesOf: () => ranges('10.5.0.0/16'),
    });
    t.true(await fresh.remove('blue', 4));
    t.is(await rules('nat'), '');
    t.is(await rules('filter'), '');
    t.truthy(netns.path);
  },
);

eachVariant(
  'beside the nftables engine the rules in a shared filter table stay',
  async (t, world, variant) => {
    const { engine, rules } = world;
    await engine.apply(BLUE);
    t.true(await engine.removeBesideNft('blue', 4));
    t.is(await rules('nat'), '');
    t.is(await rules('filter'), variant === 'nft' ? UPSTREAM_FILTER : '');
  },
);

eachVariant('the jump goes before a REJECT of everything', async (t, { engine, rules, ipt }) => {
  await ipt('-A FORWARD -i lo -j ACCEPT');
  await ipt('-A FORWARD -j REJECT --reject-with icmp-host-prohibited');
  t.deepEqual((await engine.apply(BLUE)).problems, []);
  const forward = (): Promise<string[]> =>
    rules('filter').then((text) => text.split('\n').filter((line) => line.startsWith('-A FORWARD')));
  t.regex((await forward())[1] ?? '', /FLANNEL-FWD$/);
  await ipt('-D FORWARD 2');
  await ipt('-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD');
  t.deepEqual((await engine.apply(BLUE)).problems, []);
  t.regex((await forward())[1] ?? '', /FLANNEL-FWD$/);
  t.is((await forward()).length, 3);
});

eachVariant(
  'the overlay’s packets pass policy DROP, and leave it with the host’s address',
  async (t, { engine, netns, ipt }) => {
    const pod = await attach(t, netns, 'pod', '10.5.50.1/24', '10.5.50.9/24');
    const outside = await attach(t, netns, 'out', '192.168.7.1/24', '192.168.7.9/24');
    await netns.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    await ipt('-P FORWARD DROP');
    const ping = async (): Promise<boolean> => {
      try {
        await pod.sh('ping -c 1 -W 1 192.168.7.9');
        return true;
      } catch {
        return false;
      }
    };
    t.false(await ping(), 'policy DROP stops it without the rules');
    await engine.apply(BLUE);
    t.true(await ping());
    // The other side has no route to the overlay: an answer means that it saw the host's own address.
    t.is(await outside.sh('ip route show 10.5.0.0/16'), '');
    await engine.apply({ ...BLUE, forward: false });
    t.false(await ping());
  },
);

eachVariant(
  'a held xtables lock is a time-out, and the former rules stand',
  async (t, { engine, lock, rules, ipt }) => {
    await engine.apply(BLUE);
    await ipt('-t nat -D FLANNEL-POSTRTG 3');
    const before = await rules('nat');
    const holder = spawn('flock', [lock, 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    const gone = once(holder, 'exit');
    try {
      const error = await t.throwsAsync(engine.apply(BLUE), { instanceOf: RulesError });
      t.is(error.code, 'tool-timeout');
    } finally {
      holder.stdin.end();
      await gone;
    }
    t.is(await rules('nat'), before);
    await engine.apply(BLUE);
    t.is(await rules('nat'), UPSTREAM_NAT);
  },
  ['legacy'],
);

eachVariant(
  'a table that nft made unreadable for iptables is refused by name',
  async (t, { engine, netns, ipt, runner }) => {
    await ipt('-t nat -A POSTROUTING -s 1.2.3.4 -j ACCEPT');
    await netns.exec(NFT, 'add rule ip nat POSTROUTING fib saddr type local accept');
    const error = await t.throwsAsync(engine.apply(BLUE), { instanceOf: RulesError });
    t.is(error.code, 'tool-refused');
    t.regex(error.message, /nft list table ip nat/);
    t.is(runner.spawnedBy('iptables-restore'), 0);
  },
  ['nft'],
);

const UPSTREAM_NFT = `table ip flannel-ipv4 {
  chain postrtg {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 10.5.39.0/24 ip daddr 10.5.0.0/16 return
    ip saddr 10.5.0.0/16 ip daddr != 224.0.0.0/4 masquerade fully-random
  }
}
table ip6 flannel-ipv6 {
  chain forward {
    type filter hook forward priority filter; policy accept;
  }
}
table ip strangers { }
`;
eachVariant(
  'upstream’s nft tables go, unless an upstream daemon runs or they are another network’s',
  async (t, { netns, runner, logger }) => {
    await netns.exec('sh', '-c', `printf '%s' '${UPSTREAM_NFT}' | ${NFT} -f -`);
    const clean = (pids: number[], ...own: string[]): ReturnType<typeof removeUpstreamNft> =>
      removeUpstreamNft({
        runner,
        logger,
        ranges: ranges(...own),
        upstreamProcesses: () => Promise.resolve(pids),
      });
    const running = await clean([4711], '10.5.0.0/16');
    t.deepEqual(running.removed, []);
    t.regex(running.kept[0]?.reason ?? '', /pid 4711/);
    const foreign = await clean([], '10.9.0.0/16');
    t.deepEqual(foreign.removed, ['ip6 flannel-ipv6']);
    t.regex(foreign.kept[0]?.reason ?? '', /nft delete table ip flannel-ipv4/);
    t.deepEqual((await clean([], '10.5.0.0/16')).removed, ['ip flannel-ipv4']);
    t.is(await netns.sh(`${NFT} list tables`), 'table ip strangers\n');
    const spawned = runner.spawned;
    t.deepEqual((await clean([], '10.5.0.0/16')).removed, []);
    t.is(runner.spawned, spawned + 2);
  },
  ['nft'],
);

/** A namespace on a veth of its own to `router`; it knows its neighbour and a default route through it if `pod`. */
async function attach(
  t: ExecutionContext,
  router: Netns,
  name: string,
  near: string,
  far: string,
): Promise<Netns> {
  const netns = await Netns.create();
  t.teardown(() => netns.close());
  const pid = /\d+/.exec(netns.path)?.[0] ?? '';
  await router.sh(`ip link add ${name} type veth peer name eth0 netns ${pid}`);
  await router.sh(`ip addr add ${near} dev ${name}`);
  await router.sh(`ip link set ${name} up`);
  await netns.sh(`ip addr add ${far} dev eth0`);
  await netns.sh('ip link set eth0 up');
  if (name === 'pod') await netns.sh(`ip route add default via ${near.split('/')[0] ?? ''}`);
  return netns;
}
