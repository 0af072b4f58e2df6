// Many networks on one host: how often nft and iptables are run grows with the networks, not with their square, and a
// change wakes only whom it concerns.

import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import { HostRules } from '../../src/kernel/host-rules.js';
import { RuleKeeper } from '../../src/kernel/rule-keeper.js';
import { ToolRunner } from '../../src/kernel/tool.js';
import { until } from '../../src/lab/until.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { hasRoot, Netns } from '../helpers/netns.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { listed, nftIn } from './nftables/world.js';

const NETWORKS = 8;

interface Host {
  readonly netns: Netns;
  readonly host: HostRules;
  readonly counters: Counters;
  readonly keepers: readonly RuleKeeper[];
  /** The commands since the last call, once no more come: each was debounced 50 ms ago at least. */
  readonly quiet: () => Promise<readonly string[]>;
}

async function withHost(
  t: ExecutionContext,
  mode: 'nftables' | 'iptables',
  body: (host: Host) => Promise<void>,
): Promise<void> {
  if (!hasRoot(t)) return;
  const netns = await Netns.create();
  const log: string[] = [];
  const parts = { clock: systemClock, logger: new RecordingLogger(), counters: new Counters() };
  let running = 0;
  const runner = new ToolRunner({
    ...parts,
    wrap: ['nsenter', `--net=${netns.path}`],
    onSpawn: (command, args) => log.push([command, ...args].join(' ')),
  });
  const run = runner.run.bind(runner);
  runner.run = (...given) => {
    running++;
    return run(...given).finally(() => running--);
  };
  const host = new HostRules({ ...parts, runner, netns: netns.path });
  const keepers = Array.from({ length: NETWORKS }, (_, at) => {
    const [network, range] = [`n${at}`, cidr(`10.${at}.0.0/16`)];
    const { nft, iptables, watch } = host.tools(network, [range]);
    return new RuleKeeper(
      {
        ...parts,
        pollMs: 600_000,
        shares: [{ engine: mode === 'nftables' ? nft : iptables, of: (wanted) => wanted }],
        watch: (changed) => watch(mode, 4, changed),
      },
      {
        ...{ network, family: 4, range, subnet: cidr(`10.${at}.1.0/24`), forward: true },
        ...{
          masquerade: { fullyRandom: true },
          peers: new Set(),
          filter: mode === 'nftables' ? 'on' : 'off',
        },
        tunnel: { device: `flannel.${at + 1}`, port: 8472, vni: at + 1 },
      },
    );
  });
  // A debounced look has begun or ended when nothing runs and nothing has begun for thrice its wait.
  const quiet = async (): Promise<readonly string[]> => {
    let [seen, since] = [log.length, performance.now()];
    await until(
      () => {
        if (running > 0 || log.length !== seen) [seen, since] = [log.length, performance.now()];
        return performance.now() - since > 150;
      },
      { what: 'the tools to rest' },
    );
    return log.splice(0);
  };
  try {
    for (const keeper of keepers) keeper.start();
    await body({ netns, host, counters: parts.counters, keepers, quiet });
  } finally {
    await Promise.all([host.isolation.stop(), ...keepers.map((keeper) => keeper.stop())]);
    await netns.close();
  }
}

const peers = new Set([ip('192.168.50.2'), ip('192.168.50.3')]);

test('networks that start together share one look at others’ tables, and each lists and writes its own', async (t) => {
  await withHost(t, 'nftables', async ({ netns, keepers, quiet }) => {
    await netns.sh('iptables-nft -A FORWARD -p tcp -j ACCEPT');
    await Promise.all(keepers.map((keeper) => keeper.admit(peers)));
    const commands = await quiet();
    // Whoever asks while the first look is under way shares the second.
    t.true(commands.filter((line) => line === 'nft -j list chains').length <= 2);
    t.true(commands.filter((line) => line === 'nft -j list table ip filter').length <= 2);
    t.is(commands.filter((line) => line === 'nft -f -').length, NETWORKS);
    // Listed before, after, and perhaps once more when its own change is heard of.
    const lists = commands.filter((line) => line.startsWith('nft -j list table ip flannel-')).length;
    t.true(lists >= 2 * NETWORKS && lists <= 3 * NETWORKS, String(lists));
  });
});

test('a change of one network’s table wakes that network alone', async (t) => {
  await withHost(t, 'nftables', async ({ netns, counters, keepers, quiet }) => {
    await Promise.all(keepers.map((keeper) => keeper.admit(peers)));
    await quiet();
    const list = 'nft -j list table ip flannel-n3';
    const before = await listed(netns, 'table ip flannel-n3');
    await nftIn(netns, 'delete element ip flannel-n3 peers { 192.168.50.2 }');
    const commands = await quiet();
    t.deepEqual(commands.slice(0, 2), [list, 'nft -f -']);
    t.deepEqual(new Set(commands), new Set([list, 'nft -f -']));
    t.is(await listed(netns, 'table ip flannel-n3'), before);
    t.is(counters.get('repairs'), 1);
  });
});

test('a change of FORWARD is looked at for all, not by each, and one of no concern not at all', async (t) => {
  await withHost(t, 'nftables', async ({ netns, keepers, quiet }) => {
    await netns.sh('iptables-nft -A FORWARD -p tcp -j ACCEPT');
    await Promise.all(keepers.map((keeper) => keeper.admit(peers)));
    await quiet();
    await netns.sh('iptables-nft -A FORWARD -p udp -j ACCEPT');
    const commands = await quiet();
    t.true(commands.length >= 2 && commands.length <= 4, commands.join('\n'));
    t.deepEqual(new Set(commands), new Set(['nft -j list chains', 'nft -j list table ip filter']));
    await netns.sh('iptables-nft -t nat -A POSTROUTING -p udp -j ACCEPT');
    t.deepEqual(await quiet(), []);
  });
});

test('a policy of DROP is entered by each network, and flushed entries come back for all', async (t) => {
  await withHost(t, 'nftables', async ({ netns, keepers, quiet }) => {
    await netns.sh('iptables-nft -P FORWARD DROP');
    await Promise.all(keepers.map((keeper) => keeper.admit(peers)));
    await quiet();
    const jumps = async (): Promise<number> =>
      (await netns.sh('iptables-nft -S FORWARD')).split('FLANNEL-FWD').length - 1;
    t.is(await jumps(), NETWORKS);
    await netns.sh('iptables-nft -F FORWARD');
    const commands = await quiet();
    t.is(await jumps(), NETWORKS);
    t.true(commands.length <= 3 * NETWORKS + 6, commands.join('\n'));
  });
});

test('in iptables mode one iptables-save serves all networks of a turn', async (t) => {
  await withHost(t, 'iptables', async ({ netns, keepers, quiet }) => {
    await Promise.all(keepers.map((keeper) => keeper.admit(peers)));
    const start = await quiet();
    t.is(start.filter((line) => line.startsWith('iptables-restore')).length, NETWORKS);
    t.true(start.filter((line) => line === 'iptables-save').length <= 2 * NETWORKS + 2, start.join('\n'));
    await netns.sh('iptables-nft -A FORWARD -p udp -j ACCEPT');
    const heard = await quiet();
    t.true(heard.length <= 2, heard.join('\n'));
    t.true(heard.includes('iptables-save'));
  });
});

test('isolation listens on the same socket, and wakes no network', async (t) => {
  await withHost(t, 'nftables', async ({ netns, host, keepers, quiet }) => {
    await Promise.all(keepers.map((keeper) => keeper.admit(peers)));
    host.isolation.set([
      { network: 'n0', range: cidr('10.0.0.0/16'), isolated: true },
      { network: 'n1', range: cidr('10.1.0.0/16'), isolated: true },
    ]);
    await host.isolation.settled();
    await quiet();
    const list = 'nft -j list table ip flanneld-isolation';
    await nftIn(netns, 'delete table ip flanneld-isolation');
    const commands = await quiet();
    t.deepEqual(commands.slice(0, 3), [list, 'nft -f -', list]);
    t.deepEqual(new Set(commands), new Set([list, 'nft -f -']));
    t.true((await listed(netns, 'tables')).includes('flanneld-isolation'));
  });
});
