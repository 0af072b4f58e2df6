// Sets scenes for tests of traffic rules: clusters in one mode, sockets that tell who reached them, and VXLAN
// packets made by hand. Asserts nothing.

import type { ExecutionContext } from 'ava';
import type { Cluster } from '../../src/lab/cluster.js';
import type { Namespace } from '../../src/lab/namespace.js';
import type { Argv, LabProcess } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { flanneldCommand, makeCluster } from './lab.js';

export type Mode = 'nftables' | 'iptables';
export const MODES: readonly Mode[] = ['nftables', 'iptables'];
const TABLE = ['ip', 'flannel-network'] as const;

export function configOf(mode: Mode): unknown {
  return {
    Network: '10.5.0.0/16',
    SubnetMax: '10.5.199.0',
    EnableNFTables: mode === 'nftables',
    Backend: { Type: 'vxlan' },
  };
}

/** A cluster whose hosts keep their rules in `mode`. */
export async function makeRuleCluster(
  t: ExecutionContext,
  mode: Mode,
  count: number,
  args: readonly string[] = ['-ip-masq'],
): Promise<Cluster> {
  const cluster = await makeCluster(t, 0, { config: configOf(mode) });
  await cluster.addMembers(count, { args });
  await cluster.connected();
  return cluster;
}

async function listening(where: Namespace, script: string): Promise<LabProcess> {
  const process_ = where.spawn(process.execPath, ['-e', script]);
  const heard = (): string[] => process_.output.tail();
  await until(() => heard().includes('listening'), { what: `${where.name} to listen`, state: heard });
  return process_;
}

/** A TCP server on port 9000 that answers each caller with the address it sees. */
export function echoServer(where: Namespace): Promise<LabProcess> {
  return listening(
    where,
    `require('net').createServer((s) => s.end(s.remoteAddress)).listen(9000, '0.0.0.0', () => console.log('listening'))`,
  );
}

/** The address under which `from` is seen by the echo server at `address`; rejects within three seconds. */
export async function seenAs(from: Namespace, address: string): Promise<string> {
  const script = `const s = require('net').connect(9000, '${address}');
    s.setTimeout(3000, () => s.destroy(new Error('no answer'))); s.pipe(process.stdout)`;
  return (await from.must(process.execPath, ['-e', script])).trim();
}

/** A UDP listener on port 9001 that prints the text of each packet as a line. */
export function udpListener(where: Namespace): Promise<LabProcess> {
  return listening(
    where,
    `require('dgram').createSocket('udp4').on('message', (m) => console.log(String(m))).bind(9001, '0.0.0.0', () => console.log('listening'))`,
  );
}

const octets = (address: string): number[] => address.split('.').map(Number);

function checksum(header: Buffer): number {
  let sum = 0;
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** What an inner packet says of itself. */
export interface InnerPacket {
  readonly from: string;
  readonly to: string;
  readonly text: string;
}

/** A whole IPv4 packet with a UDP datagram to port 9001 (without UDP checksum, RFC 768). */
export function innerPacket({ from, to, text: words }: InnerPacket): Buffer {
  const text = Buffer.from(words);
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(9001, 0);
  udp.writeUInt16BE(9001, 2);
  udp.writeUInt16BE(8 + text.length, 4);
  const start = [0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
  const ip = Buffer.from([...start, ...octets(from), ...octets(to)]);
  ip.writeUInt16BE(28 + text.length, 2);
  ip.writeUInt16BE(checksum(ip), 10);
  return Buffer.concat([ip, udp, text]);
}

/** The same inside VXLAN (RFC 7348, section 5). */
export function vxlanPacket(inner: InnerPacket & { readonly vni: number; readonly mac: string }): Buffer {
  const vxlan = Buffer.from([8, 0, 0, 0, 0, 0, inner.vni, 0]);
  const mac = Buffer.from(inner.mac.replaceAll(':', ''), 'hex');
  const ethernet = Buffer.concat([mac, Buffer.from([2, 0, 0, 0, 9, 9, 8, 0])]);
  return Buffer.concat([vxlan, ethernet, innerPacket(inner)]);
}

/** Sends `packet` `count` times to a UDP port of `address`: VXLAN's unless told. */
export async function sendRaw(
  from: Namespace,
  address: string,
  packet: Buffer,
  count: number,
  port = 8472,
): Promise<void> {
  const script = `const s = require('dgram').createSocket('udp4'), p = Buffer.from('${packet.toString('hex')}', 'hex');
    let left = ${count}; const next = () => left-- > 0 ? s.send(p, ${port}, '${address}', next) : s.close(); next()`;
  await from.must(process.execPath, ['-e', script]);
}

/** How many packets the named counter of our table has seen. */
export async function counted(host: Namespace, counter: string): Promise<number> {
  const text = await host.must('nft', ['list', 'counter', ...TABLE, counter]);
  return Number(/packets (\d+)/.exec(text)?.[1]);
}

/** The daemon with every rule tool replaced by something that cannot be executed. */
export const withoutTools = (): Argv => [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'for tool in nft iptables; do mount --bind /dev/null "$(readlink -f "$(command -v $tool)")"; done; exec "$@"',
  'sh',
  ...flanneldCommand(),
];

/** The system's own programs: npm's folder of programs has another one called nft. */
export const SYSTEM_PATH = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } as const;
