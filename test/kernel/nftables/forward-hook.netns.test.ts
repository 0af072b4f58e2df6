// Others' chains at the forward hook, with real packets: two pods on a host whose FORWARD policy is DROP, as Docker
// leaves it, and a host whose administrator's table drops.
//
//   pod a 10.5.50.2 ── host ── pod b 10.5.50.130        outside 192.168.50.9 ── host 192.168.50.1

import test, { type ExecutionContext } from 'ava';
import { cidr } from '../../../src/subnet/cidr.js';
import { hasRoot, Netns } from '../../helpers/netns.js';
import { listed, nftWorldIn, pings, rules, wire, withNft, type NftWorld } from './world.js';

interface PodWorld extends NftWorld {
  readonly a: Netns;
  readonly b: Netns;
  readonly outside: Netns;
}

async function withPods(t: ExecutionContext, body: (world: PodWorld) => Promise<void>): Promise<void> {
  if (!hasRoot(t)) return;
  const made: Netns[] = [];
  const make = async (): Promise<Netns> => {
    const netns = await Netns.create();
    made.push(netns);
    return netns;
  };
  try {
    const [host, a, b, outside] = [await make(), await make(), await make(), await make()];
    await wire(host, a, 'poda', '10.5.50.1/25', '10.5.50.2/25');
    await wire(host, b, 'podb', '10.5.50.129/25', '10.5.50.130/25');
    await wire(host, outside, 'out', '192.168.50.1/24', '192.168.50.9/24');
    await a.sh('ip route add default via 10.5.50.1');
    await b.sh('ip route add default via 10.5.50.129');
    await host.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward');
    await body({ ...nftWorldIn(host), a, b, outside });
  } finally {
    await Promise.all(made.map((netns) => netns.close()));
  }
}

const FORWARD = [
  '-N FLANNEL-FWD',
  '-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD',
  '-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
  '-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT',
];

async function forwardRules(netns: Netns): Promise<readonly string[]> {
  const text = await netns.sh('iptables-nft -S');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('-P'));
}

test('a FORWARD policy of DROP does not stop the overlay, and upstream’s rules stand in the chain', async (t) => {
  await withPods(t, async ({ engine, netns, a, restarted }) => {
    await netns.sh('iptables-nft -P FORWARD DROP');
    t.false(await pings(a, '10.5.50.130'));
    t.deepEqual((await engine.apply(rules())).problems, []);
    t.true(await pings(a, '10.5.50.130'));
    t.deepEqual(await forwardRules(netns), FORWARD);
    t.is((await restarted().apply(rules())).changes, 0);

    await netns.sh('iptables-nft -F FORWARD');
    t.false(await pings(a, '10.5.50.130'));
    engine.heard({ type: 'table', family: 'ip', table: 'filter', chain: 'FORWARD' });
    t.is((await engine.apply(rules())).changes, 1);
    t.true(await pings(a, '10.5.50.130'));

    t.true(await engine.remove('blue', 4));
    t.deepEqual(await forwardRules(netns), []);
    t.false(await pings(a, '10.5.50.130'));
  });
});

test('what leaves the overlay is masqueraded, what stays in it is not', async (t) => {
  await withPods(t, async ({ engine, netns, nft, a, b, outside }) => {
    // Outside knows no way to 10.5.0.0/16: an answer means that the host's address was seen.
    t.false(await pings(a, '192.168.50.9'));
    await engine.apply(rules());
    t.true(await pings(a, '192.168.50.9'));
    const b4 = nftWorldIn(b);
    await b4.nft(
      'add table ip seen',
      'add chain ip seen in { type filter hook input priority 0 ; }',
      'add rule ip seen in ip saddr != 10.5.50.2 icmp type echo-request drop',
    );
    t.true(await pings(a, '10.5.50.130'));
    // With the mark of kube-proxy in company of another bit, the decision is kube-proxy's.
    await nft(
      'add table ip marks',
      'add chain ip marks fwd_ { type filter hook forward priority 0 ; }',
      'add rule ip marks fwd_ ip saddr 10.5.50.2 meta mark set 0x4001',
    );
    t.false(await pings(a, '192.168.50.9'));
    await nft('delete table ip marks');
    // Outside to a pod through the host keeps working.
    await outside.sh('ip route add 10.5.0.0/16 via 192.168.50.1');
    t.true(await pings(outside, '10.5.50.2'));
    t.is((await listed(netns, 'table ip flannel-blue')).includes('postrtg'), true);
  });
});

test('a drop in a table nobody else may enter is named with the command that mends it', async (t) => {
  await withPods(t, async ({ engine, nft, netns, a }) => {
    await nft(
      'add table inet admin',
      'add chain inet admin pass { type filter hook forward priority 10 ; policy drop ; }',
    );
    const { problems } = await engine.apply(rules());
    t.is(problems.length, 1);
    t.like(problems[0], { code: 'collision', kind: 'rule', object: 'chain pass of table inet admin' });
    t.false(await pings(a, '10.5.50.130'));
    // The problem is told again while it lasts, without another look.
    t.deepEqual((await engine.apply(rules())).problems, problems);
    t.true(engine.interestOf('blue', 4)({ type: 'table', family: 'inet', table: 'admin', chain: 'pass' }));

    const remedy = /`(.*)`/.exec(problems[0]?.message ?? '')?.[1] ?? '';
    await netns.exec('env', 'PATH=/usr/sbin:/sbin:/usr/bin:/bin', 'sh', '-c', remedy);
    t.true(await pings(a, '10.5.50.130'));
    engine.heard({ type: 'table', family: 'inet', table: 'admin', chain: 'pass' });
    t.deepEqual(await engine.apply(rules()), { changes: 0, problems: [] });
  });
});

test('a final reject in FORWARD stands before us and is reported; its remedy ends the report', async (t) => {
  await withPods(t, async ({ engine, netns, a }) => {
    await netns.sh('iptables-nft -A FORWARD -j REJECT');
    const { problems } = await engine.apply(rules());
    t.like(problems, [{ code: 'collision', object: 'chain FORWARD of table ip filter' }]);
    const remedy = /`(.*)`/.exec(problems[0]?.message ?? '')?.[1] ?? '';
    await netns.exec(
      'env',
      'PATH=/usr/sbin:/sbin:/usr/bin:/bin',
      'sh',
      '-c',
      remedy.replaceAll('iptables', 'iptables-nft'),
    );
    engine.heard({ type: 'table', family: 'ip', table: 'filter', chain: 'FORWARD' });
    t.deepEqual((await engine.apply(rules())).problems, []);
    t.true(await pings(a, '10.5.50.130'));
  });
});

test('a second network enters with a chain of its own name, and each leaves alone', async (t) => {
  await withNft(t, async ({ engine, restarted, netns }) => {
    const green = rules({ network: 'green', range: cidr('10.6.0.0/16'), subnet: cidr('10.6.1.0/24') });
    await netns.sh('iptables-nft -P FORWARD DROP');
    await engine.apply(rules());
    await restarted().apply(green);
    const both = await forwardRules(netns);
    t.is(both.filter((line) => /^-A FLANNEL-FWD-[0-9a-f]{8} -[sd] 10\.6\.0\.0\/16/.test(line)).length, 2);
    t.is((await restarted().apply(rules())).changes + (await restarted().apply(green)).changes, 0);
    t.true(await restarted().remove('green', 4));
    t.deepEqual(await forwardRules(netns), FORWARD);
  });
});

test('the chain goes when nothing is wanted any more', async (t) => {
  await withNft(t, async ({ engine, netns }) => {
    await netns.sh('iptables-nft -P FORWARD DROP');
    await engine.apply(rules());
    const { masquerade, ...nothing } = rules({ filter: 'off', forward: false });
    t.truthy(masquerade);
    t.true((await engine.apply(nothing)).changes > 0);
    t.deepEqual(await forwardRules(netns), []);
  });
});

test('an overlay that moved takes its chain along, even over a restart', async (t) => {
  await withNft(t, async ({ engine, restarted, netns }) => {
    await netns.sh('iptables-nft -P FORWARD DROP');
    await engine.apply(rules());
    await restarted().apply(rules({ range: cidr('10.7.0.0/16'), subnet: cidr('10.7.1.0/24') }));
    t.deepEqual(
      await forwardRules(netns),
      FORWARD.map((line) => line.replace('10.5.', '10.7.')),
    );
    await restarted().apply(
      rules({ forward: false, range: cidr('10.7.0.0/16'), subnet: cidr('10.7.1.0/24') }),
    );
    t.deepEqual(await forwardRules(netns), []);
  });
});
