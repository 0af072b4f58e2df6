// `flanneld trace` on two hosts with real daemons: all is well, then one thing broken at a time, as an operator would find it.

import { resolve } from 'node:path';
import test from 'ava';
import type { Trace } from '../../src/commands/trace-steps.js';
import type { Host } from '../../src/lab/host.js';
import { canMakeHosts, DEVICE, makeCluster, member } from '../helpers/lab.js';

const BIN = resolve(import.meta.dirname, '../../../bin/flanneld');

interface Traced {
  readonly code: number | null;
  /** `ok`, or the step at which it stops. */
  readonly end: string;
  readonly text: string;
}

async function trace(host: Host, etcd: string, src: string, dst: string): Promise<Traced> {
  const words = ['trace', src, dst, '--json', `--etcd-endpoints=${etcd}`];
  const { code, stdout, stderr } = await host.exec(process.execPath, [BIN, ...words]);
  const found = stdout === '' ? undefined : (JSON.parse(stdout) as Trace);
  return {
    code,
    end: found?.arrives === true ? 'ok' : (found?.steps.at(-1)?.at ?? ''),
    text: stdout + stderr,
  };
}

test.serial('a packet is followed to the peer, and what breaks its way is named', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 2);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const { host, flanneld, pod } = one;
  const { etcdEndpoint } = cluster.daemonOptions();
  const follow = (src = pod.address, dst = two.pod.address): Promise<Traced> =>
    trace(host, etcdEndpoint, src, dst);

  const well = await follow();
  t.deepEqual([well.code, well.end], [0, 'ok'], well.text);
  for (const at of ['route', 'device', 'neighbour', 'fdb', 'underlay', 'peer'])
    t.regex(well.text, new RegExp(`"at": "${at}"`));
  const back = await follow(two.pod.address, pod.address);
  t.deepEqual([back.code, back.end], [0, 'ok'], back.text);

  // A daemon that runs would mend it.
  await flanneld.stop('SIGKILL');
  const without = await follow();
  t.is(without.end, 'ok', without.text);
  t.regex(without.text, /known from etcd/);

  const lease = await cluster.leaseOf(two.host);
  const base = lease.subnet.replace(/\/.*/, '');
  const breaks: readonly (readonly [string, string, string])[] = [
    ['forwarding', 'sysctl -qw net.ipv4.ip_forward=0', 'sysctl -qw net.ipv4.ip_forward=1'],
    [
      'forward rules',
      'nft add table ip fw; nft add chain ip fw forward "{ type filter hook forward priority 0; policy drop; }"',
      'nft delete table ip fw',
    ],
    [
      'fdb',
      `bridge fdb del ${lease.vtepMac ?? ''} dev ${DEVICE} dst ${two.host.address}`,
      `bridge fdb append ${lease.vtepMac ?? ''} dev ${DEVICE} dst ${two.host.address}`,
    ],
    [
      'neighbour',
      `ip neigh del ${base} dev ${DEVICE}`,
      `ip neigh replace ${base} dev ${DEVICE} lladdr ${lease.vtepMac ?? ''} nud permanent`,
    ],
    [
      'route',
      `ip route del ${lease.subnet}`,
      `ip route add ${lease.subnet} via ${base} dev ${DEVICE} onlink proto 241`,
    ],
    [
      'underlay',
      `ip route add unreachable ${two.host.address}`,
      `ip route del unreachable ${two.host.address}`,
    ],
  ];
  for (const [at, breaking, mending] of breaks) {
    await host.must('sh', ['-c', breaking]);
    const found = await follow();
    t.deepEqual([found.code, found.end], [4, at], `${at}\n${found.text}`);
    await host.must('sh', ['-c', mending]);
    t.is((await follow()).end, 'ok', `${at} mended`);
  }
  // A device that is down has lost its routes.
  await host.ip([`link set ${DEVICE} down`]);
  t.is((await follow()).end, 'route');
  await two.flanneld.stop('SIGKILL');
  await cluster.store.delete(lease.key);
  t.is((await follow()).end, 'lease');

  const wrong = await host.exec(process.execPath, [BIN, 'trace', 'here', 'there']);
  t.deepEqual([wrong.code, /"here" is no IP address/.test(wrong.stderr)], [2, true]);
});
