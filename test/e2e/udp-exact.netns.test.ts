// Bit-exact delivery through the udp backend over a bad wire: a relay between two hosts drops, doubles and delays one
// datagram in a hundred each, while TCP, UDP of every size and ICMP cross it. And what a pod receives is valid, looked
// at by tcpdump with every offload of the pod's wire off.
//
//   pod1 ─ host1 .1 ── .101 relay .102 ── .2 host2 ─ pod2        each host announces its alias at the relay

import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Cluster, Member } from '../../src/lab/cluster.js';
import type { Pod } from '../../src/lab/host.js';
import type { LabProcess } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { compile } from '../helpers/compile.js';
import { canMakeHosts, makeCluster, member } from '../helpers/lab.js';
import { makeUdpCluster, udpConfig, UDP_PORT } from '../helpers/udp-lab.js';

const GIB = 1024 ** 3;
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

async function listening(process_: LabProcess, word: string): Promise<void> {
  const text = (): string => process_.output.text();
  await until(() => text().includes(word), { what: `"${word}"`, state: text });
}

/** Fragments of datagrams that lost one must not fill the memory for those that will be whole. */
async function makeRoomForFragments(pod: Pod): Promise<void> {
  await pod.must('sysctl', ['-qw', 'net.ipv4.ipfrag_high_thresh=536870912', 'net.ipv4.ipfrag_time=1']);
}

async function badWire(
  t: ExecutionContext,
  perMille: number,
): Promise<{ cluster: Cluster; relay: LabProcess }> {
  const cluster = await makeCluster(t, 0, { config: udpConfig() });
  for (const number of [101, 102])
    await cluster.addMember({ args: ['-iface=eth0', `-public-ip=192.168.50.${number}`] });
  const between = await cluster.lab.addHost();
  await between.ip(['address add 192.168.50.101/24 dev eth0', 'address add 192.168.50.102/24 dev eth0']);
  const program = await compile(t, ['test/fixtures/udp/relay.c']);
  const hosts = ['192.168.50.1', '192.168.50.101', '192.168.50.2', '192.168.50.102'];
  const relay = between.spawn(program, [String(UDP_PORT), ...hosts, String(perMille), String(SEED)]);
  await listening(relay, 'ready');
  await cluster.connected();
  return { cluster, relay };
}

async function send(from: Member, to: Member, program: string, numbers: readonly number[]): Promise<string> {
  const args = ['send', to.pod.address, '9000', ...numbers.map(String)];
  const result = await from.pod.exec(program, args, { timeoutMs: 230_000 });
  return result.stdout + result.stderr;
}

test.serial('1 GiB of TCP, UDP of every size and ICMP arrive bit by bit over a bad wire', async (t) => {
  if (!canMakeHosts(t)) return;
  t.timeout(300_000);
  t.log(`SEED=${SEED}`);
  const { cluster } = await badWire(t, 10);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  await Promise.all([one, two].map(({ pod }) => makeRoomForFragments(pod)));
  const program = await compile(t, ['test/fixtures/udp/exact.c']);
  const server = two.pod.spawn(program, ['serve', '9000']);
  await listening(server, 'listening');
  // ping compares what comes back with what it sent.
  const pings = one.pod.spawn('ping', ['-n', '-q', '-i', '0.01', '-s', '1400', two.pod.address]);
  const begun = performance.now();
  t.is(await send(one, two, program, [GIB, 65_507, 1]), 'datagrams of 65507 sizes sent, 0 missing\n');
  t.log(`took ${Math.round(performance.now() - begun)} ms`);
  await pings.stop('SIGINT');
  t.regex(server.output.text(), new RegExp(`stream ${GIB} bytes right`));
  t.notRegex(server.output.text(), /WRONG/);
  t.notRegex(pings.output.text(), /wrong data/);
  t.regex(pings.output.text(), / [1-9]\d* received/);
});

test.serial('every packet that a pod receives is valid: lengths and checksums by tcpdump', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeUdpCluster(t, 2);
  const [one, two] = [member(cluster, 0), member(cluster, 1)];
  const program = await compile(t, ['test/fixtures/udp/exact.c']);
  // Then the host has to cut and to sum what we handed it as one before it reaches the pod.
  await two.host.must('ethtool', ['-K', 'pod1', 'tx', 'off', 'tso', 'off', 'gso', 'off']);
  const server = two.pod.spawn(program, ['serve', '9000']);
  await listening(server, 'listening');
  const file = join(dirname(program), 'seen.pcap');
  const capture = two.pod.spawn('tcpdump', ['-ni', 'eth0', '-B', '65536', '-w', file, '-c', '20000', 'ip']);
  await listening(capture, 'listening on');
  const sent = await send(one, two, program, [GIB / 32, 20_000, 997]);
  t.regex(sent, /, 0 missing/);
  await capture.stop('SIGINT');
  const { right, wrong } = await judge(two.pod, file);
  t.log(`${right} packets looked at`);
  t.true(right > 5000);
  t.deepEqual(wrong, []);
});

/** What tcpdump says of each packet to the pod, fragments aside, which have no checksum of their own to look at. */
async function judge(pod: Pod, file: string): Promise<{ right: number; wrong: string[] }> {
  const command = `tcpdump -nvvr ${file} "dst host ${pod.address}" > ${file}.txt
    grep -c 'cksum 0x.*(correct)\\|udp sum ok' ${file}.txt
    grep -i 'incorrect\\|bad udp\\|bad cksum\\|bad len\\|truncated\\|invalid' ${file}.txt | head -5`;
  const text = await pod.must('sh', ['-c', command], { timeoutMs: 60_000 });
  const [right = '0', ...wrong] = text.trim().split('\n');
  return { right: Number(right), wrong };
}
