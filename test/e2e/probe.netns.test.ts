// The mesh probe between real daemons on real kernels: what is broken is named in /readyz within 15 s, and not any more
// within 15 s of being mended.

import test, { type ExecutionContext } from 'ava';
import type { Cluster, Member } from '../../src/lab/cluster.js';
import type { Host } from '../../src/lab/host.js';
import { until } from '../../src/lab/until.js';
import { healthArgs, readHealth } from '../helpers/health.js';
import { canMakeHosts, makeCluster, member } from '../helpers/lab.js';

const LIMIT_MS = 15_000;

/** Three members whose daemons have found that they reach each other. */
async function makeProbing(
  t: ExecutionContext,
  type: string,
  args: readonly string[] = [],
): Promise<Cluster> {
  const config = { Network: '10.5.0.0/16', Backend: { Type: type } };
  const cluster = await makeCluster(t, 0, { config });
  await cluster.addMembers(3, { args: [...healthArgs, '-v=1', ...args] });
  await cluster.connected();
  for (const { host, flanneld } of args.length === 0 ? cluster.members : []) {
    await until(() => flanneld.process.output.text().match(/"peer answers"/g)?.length === 2, {
      what: `${host.name} to know its peers`,
      state: () => flanneld.log(15),
    });
  }
  return cluster;
}

/** Waits for the reason with this text, and logs how long that took. */
async function said(
  t: ExecutionContext,
  { host, flanneld }: Member,
  code: string,
  text: RegExp,
): Promise<void> {
  const begun = performance.now();
  await until(
    async () => (await readHealth(host)).reasons.some((one) => one.code === code && text.test(one.text)),
    {
      what: `${host.name} to say ${code}, ${String(text)}`,
      timeoutMs: LIMIT_MS,
      intervalMs: 100,
      state: async () => `${JSON.stringify(await readHealth(host))}\n${flanneld.log(15)}`,
    },
  );
  t.log(`${host.name} said ${code} after ${seconds(begun)}`);
}

/** Waits until it is ready without any reason. */
async function healed(t: ExecutionContext, { host, flanneld }: Member): Promise<void> {
  const begun = performance.now();
  await until(async () => (await readHealth(host)).state === 'ready', {
    what: `${host.name} to be ready`,
    timeoutMs: LIMIT_MS,
    intervalMs: 100,
    state: async () => `${JSON.stringify(await readHealth(host))}\n${flanneld.log(15)}`,
  });
  t.log(`${host.name} was ready after ${seconds(begun)}`);
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Drops what comes in at a UDP port from one address; returns the end of that. */
async function filter(host: Host, port: number, from: string): Promise<() => Promise<string>> {
  const lines = [
    'add table inet cut',
    'add chain inet cut in { type filter hook input priority -300 ; }',
    `add rule inet cut in ip saddr ${from} udp dport ${port} drop`,
  ];
  await host.must('nft', ['-f', '-'], { input: lines.join('\n') + '\n' });
  return () => host.must('nft', ['delete', 'table', 'inet', 'cut']);
}

for (const [type, port] of [
  ['vxlan', 8472],
  ['udp', 8285],
] as const) {
  test.serial(
    `${type}: a port that is filtered on one side is named by both, with the direction`,
    async (t) => {
      if (!canMakeHosts(t)) return;
      const cluster = await makeProbing(t, type);
      const [a, b, c] = [member(cluster, 0), member(cluster, 1), member(cluster, 2)];
      const mend = await filter(b.host, port, a.host.address);
      const [toB, fromA] = [
        `UDP port ${port} to ${b.host.address} `,
        `UDP port ${port} from ${a.host.address} `,
      ];
      await Promise.all([
        said(t, a, 'tunnel-filtered', new RegExp(`${toB}.*packets to it are lost`)),
        said(t, b, 'tunnel-filtered', new RegExp(`${fromA}.*packets from it are lost`)),
      ]);
      t.like(await readHealth(a.host), { status: 200, state: 'degraded' });
      t.like(await readHealth(c.host), { status: 200, state: 'ready', reasons: [] });
      await mend();
      await Promise.all([healed(t, a), healed(t, b)]);
    },
  );
}

for (const type of ['vxlan', 'host-gw'] as const) {
  test.serial(
    `${type}: a host that is cut off is silent to the others, and reaches nobody itself`,
    async (t) => {
      if (!canMakeHosts(t)) return;
      const cluster = await makeProbing(t, type);
      const [a, b, c] = [member(cluster, 0), member(cluster, 1), member(cluster, 2)];
      await cluster.lab.wire.ip([`link set ${c.host.name} down`]);
      await Promise.all([
        said(t, a, 'peers-silent', new RegExp(`${c.host.address} .*: down, or cut off`)),
        said(t, b, 'peers-silent', new RegExp(`${c.host.address} .*: down, or cut off`)),
        said(t, c, 'no-peer-answers', /down, or cut off/),
      ]);
      t.like(await readHealth(a.host), { status: 200, state: 'degraded' });
      t.like(await readHealth(c.host), { status: 503, state: 'not-ready' });
      await cluster.lab.wire.ip([`link set ${c.host.name} up`]);
      await Promise.all([healed(t, a), healed(t, b), healed(t, c)]);
    },
  );
}

test.serial('vxlan: a host whose MTU is lowered is named with the size that still reaches it', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeProbing(t, 'vxlan');
  const [a, b, c] = [member(cluster, 0), member(cluster, 1), member(cluster, 2)];
  await b.host.ip(['link set eth0 mtu 1400']);
  // A veth device lets four bytes more in than its MTU says, for a VLAN tag.
  const sentence = new RegExp(`packets above 140[0-4] bytes do not reach ${b.host.address} `);
  await Promise.all([said(t, a, 'path-mtu', sentence), said(t, c, 'path-mtu', sentence)]);
  t.like(await readHealth(a.host), { status: 200, state: 'degraded' });
  await b.host.ip(['link set eth0 mtu 1500']);
  await Promise.all([healed(t, a), healed(t, b), healed(t, c)]);
});

test.serial('with -probe-interval=0s nothing is sent, and nothing is said', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeProbing(t, 'vxlan', ['-probe-interval=0s']);
  const [a, b] = [member(cluster, 0), member(cluster, 1)];
  const capture = b.host.spawn('tcpdump', ['-i', 'eth0', '-n', '-l', 'icmp', 'and', 'src', a.host.address]);
  await until(() => capture.output.text().includes('listening on'), { what: 'tcpdump to listen' });
  await a.host.exec('ping', ['-c', '1', '-p', '6e6f7065', '-s', '999', b.host.address]);
  await until(() => capture.output.text().includes('length 1007'), { what: 'the ping to be captured' });
  t.is(capture.output.text().match(/ICMP echo request/g)?.length, 1);
});
