// The engine with the real nft: the golden listing, nothing sent when all is well, repairs, removal, neighbours.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../../src/clock.js';
import { NftEngine } from '../../../src/kernel/nftables/engine.js';
import { ToolRunner } from '../../../src/kernel/tool.js';
import { cidr, ip } from '../../../src/subnet/cidr.js';
import type { Netns } from '../../helpers/netns.js';
import { packageRoot } from '../../helpers/package-root.js';
import { listed, nftIn, rules, withNft } from './world.js';

const GOLDEN = readFileSync(join(packageRoot(), 'test/fixtures/nftables/golden.txt'), 'utf8');
const LIST = 'nft -j list table ip flannel-blue';
const LOOK = 'nft -j list chains';

/** What `nft monitor` says while `body` runs, between two tables made to mark its beginning and its end. */
async function monitored(netns: Netns, body: () => Promise<void>): Promise<string> {
  const monitor = spawn('env', ['nsenter', `--net=${netns.path}`, '/usr/sbin/nft', 'monitor'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  monitor.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const until = async (name: string): Promise<void> => {
    while (!text.includes(name)) {
      await nftIn(netns, `add table ip ${name}; delete table ip ${name}`);
      await Promise.race([once(monitor.stdout, 'data'), new Promise((resolve) => setImmediate(resolve))]);
    }
  };
  try {
    await until('begin');
    await body();
    await until('finish');
  } finally {
    monitor.kill();
    await once(monitor, 'exit');
  }
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !/ (begin|finish)$/.test(line))
    .join('\n');
}

test('the table stands as written, and applying it again sends nothing', async (t) => {
  await withNft(t, async ({ engine, netns, commands, restarted }) => {
    const { changes, problems } = await engine.apply(rules());
    t.true(changes > 0);
    t.deepEqual(problems, []);
    t.is(await listed(netns, 'ruleset'), GOLDEN);
    t.deepEqual(commands(), [LIST, 'nft -f -', LIST, LOOK]);

    const said = await monitored(netns, async () => {
      t.deepEqual(await engine.apply(rules()), { changes: 0, problems: [] });
      t.deepEqual(await restarted().apply(rules()), { changes: 0, problems: [] });
    });
    t.is(said, '');
    t.deepEqual(commands(), [LIST, LIST, LOOK]);
  });
});

test('the IPv6 table is compared as well as the other', async (t) => {
  await withNft(t, async ({ engine, netns }) => {
    const six = rules({
      family: 6,
      range: cidr('fc00:5::/48'),
      subnet: cidr('fc00:5:0:47::/64'),
      filter: 'strict',
      peers: new Set([ip('fd50::2')]),
    });
    await engine.apply(six);
    t.regex(
      await listed(netns, 'table ip6 flannel-blue'),
      /exthdr frag exists udp dport 8472 ip6 saddr != @peers/,
    );
    t.is((await engine.apply(six)).changes, 0);
    t.true(await engine.remove('blue', 6));
  });
});

test('peers change by element while counters and rules stay', async (t) => {
  await withNft(t, async ({ engine, netns, nft, commands }) => {
    await engine.apply(rules());
    // As if it had dropped something: the value must outlive every change of peers and rules.
    await nft('delete chain ip flannel-blue input', 'delete counter ip flannel-blue foreign_source');
    await nft('add counter ip flannel-blue foreign_source { packets 5 bytes 500 ; }');
    await engine.apply(rules());
    const before = await listed(netns, 'chain ip flannel-blue input');
    commands();

    const peers = new Set(['192.168.50.3', '192.168.50.4'].map(ip));
    const said = await monitored(netns, async () => {
      t.is((await engine.apply(rules({ peers }))).changes, 2);
    });
    t.deepEqual(said.split('\n'), [
      'add element ip flannel-blue peers { 192.168.50.4 }',
      'delete element ip flannel-blue peers { 192.168.50.2 }',
    ]);
    t.deepEqual(commands(), [LIST, 'nft -f -']);
    t.is(await listed(netns, 'chain ip flannel-blue input'), before);
    t.deepEqual((await engine.dropped('blue', 4)).get('foreign_source'), { packets: 5, bytes: 500 });

    await engine.apply(rules({ peers, filter: 'strict', subnet: cidr('10.5.51.0/24') }));
    t.deepEqual((await engine.dropped('blue', 4)).get('foreign_source'), { packets: 5, bytes: 500 });
  });
});

const EDITS: readonly (readonly [string, readonly string[]])[] = [
  ['a rule is deleted', ['flush chain ip flannel-blue forward']],
  ['a rule is added', ['insert rule ip flannel-blue input accept']],
  ['a chain is added', ['add chain ip flannel-blue theirs', 'add rule ip flannel-blue guard jump theirs']],
  ['a policy is changed', ['chain ip flannel-blue forward { policy drop ; }']],
  ['the table is put to sleep', ['add table ip flannel-blue { flags dormant ; }']],
  ['a peer is taken out', ['delete element ip flannel-blue peers { 192.168.50.2 }']],
  ['a foreign address is let in', ['add element ip flannel-blue peers { 192.168.50.9 }']],
  ['another set is added', ['add set ip flannel-blue theirs { type inet_service ; }']],
  ['the table is deleted', ['delete table ip flannel-blue']],
];

for (const [what, lines] of EDITS) {
  test(`${what} by somebody else, and it is put right`, async (t) => {
    await withNft(t, async ({ engine, netns, nft }) => {
      await engine.apply(rules());
      await nft(...lines);
      t.not(await listed(netns, 'ruleset'), GOLDEN);
      t.true((await engine.apply(rules())).changes > 0);
      // Chains that were made again stand last.
      t.deepEqual(sorted(await listed(netns, 'ruleset')), sorted(GOLDEN));
      t.is((await engine.apply(rules())).changes, 0);
    });
  });
}

test('off leaves nothing of the filter, and nothing wanted leaves nothing at all', async (t) => {
  await withNft(t, async ({ engine, netns }) => {
    await engine.apply(rules({ filter: 'strict' }));
    await engine.apply(rules({ filter: 'off' }));
    t.notRegex(await listed(netns, 'ruleset'), /set|counter|8472|chain (input|guard|tunnel)/);
    const { masquerade, ...nothing } = rules({ filter: 'off', forward: false });
    t.truthy(masquerade);
    t.is((await engine.apply(nothing)).changes, 1);
    t.is(await listed(netns, 'ruleset'), '');
    t.is((await engine.apply(nothing)).changes, 0);
    t.false(await engine.remove('blue', 4));
  });
});

test('two networks and two daemons stand side by side', async (t) => {
  await withNft(t, async ({ engine, restarted, netns }) => {
    const green = rules({
      network: 'green',
      range: cidr('10.6.0.0/16'),
      subnet: cidr('10.6.1.0/24'),
      tunnel: { device: 'flannel.2', port: 8472, vni: 2 },
    });
    const other = restarted();
    await Promise.all([engine.apply(rules()), other.apply(green)]);
    t.is((await engine.apply(rules())).changes + (await other.apply(green)).changes, 0);
    t.true(await other.remove('green', 4));
    t.deepEqual(sorted(await listed(netns, 'ruleset')), sorted(GOLDEN));
  });
});

test('applies that overlap are carried out one after another', async (t) => {
  await withNft(t, async ({ engine, netns }) => {
    const steps = [['192.168.50.2'], ['192.168.50.3', '192.168.50.4'], [], ['192.168.50.7']];
    await Promise.all(steps.map((peers) => engine.apply(rules({ peers: new Set(peers.map(ip)) }))));
    t.regex(await listed(netns, 'set ip flannel-blue peers'), /elements = \{ 192\.168\.50\.7 \}/);
  });
});

test('probe tells the version, and changes nothing', async (t) => {
  await withNft(t, async ({ engine, netns }) => {
    const probe = await engine.probe(4);
    t.like(probe, { usable: true, fullyRandom: true });
    t.is(await listed(netns, 'ruleset'), '');
  });
});

test('an nft that lists rules in a form of its own is learned, and then left in peace', async (t) => {
  await withNft(t, async ({ netns, logger, counters }) => {
    const folder = await mkdtemp(join(tmpdir(), 'nft-'));
    try {
      const other = '#!/bin/bash\nset -o pipefail\n/usr/sbin/nft "$@" | sed s/saddr/SADDR/g\n';
      await writeFile(join(folder, 'nft'), other, { mode: 0o755 });
      const log: string[] = [];
      const tool = new ToolRunner({
        clock: systemClock,
        logger,
        wrap: ['nsenter', `--net=${netns.path}`],
        path: `${folder}:/usr/bin:/bin`,
        onSpawn: (_, args) => log.push(args.join(' ')),
      });
      const engine = new NftEngine({ tool, logger, counters });
      t.true((await engine.apply(rules())).changes > 0);
      t.is(logger.lines.filter(({ level }) => level === 'warn').length, 1);
      t.is(await listed(netns, 'ruleset'), GOLDEN);
      log.length = 0;
      t.is((await engine.apply(rules())).changes, 0);
      t.deepEqual(log, ['-j list table ip flannel-blue']);
      await nftIn(netns, 'flush chain ip flannel-blue guard');
      t.is((await engine.apply(rules())).changes, 3);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

function sorted(text: string): readonly string[] {
  return text
    .split('\n\n')
    .join('\n')
    .replace(/\n\}\n/g, '\n')
    .split('\n')
    .sort();
}
