// Collects what /proc tells of processes: who holds our UDP ports, which managers of devices run, an upstream flanneld.
// It reads names and links only. A process in another PID namespace cannot be seen from here.

import { readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { upstreamProcesses } from '../kernel/iptables/upstream-processes.js';
import type { SocketFacts, UdpSocket, UpstreamFacts } from './facts.js';
import { namesIn, readIfPossible, readText } from './read-text.js';

/** A line a socket, of some 150 bytes. */
const SOCKETS_LIMIT = 8 * 1024 * 1024;

export async function readUpstream(root = '/'): Promise<UpstreamFacts> {
  return { pids: await upstreamProcesses(process.pid, join(root, 'proc')) };
}

/** The first 15 characters of each process's name, which is all that the kernel keeps. */
export async function processNames(root = '/'): Promise<ReadonlySet<string>> {
  const names = await Promise.all(
    (await pidsIn(root)).map((pid) => readIfPossible(join(root, 'proc', pid, 'comm'))),
  );
  return new Set(names.map((name) => name?.trim() ?? ''));
}

/** The sockets of these ports, IPv4 and IPv6. */
export async function readSockets(ports: ReadonlySet<number>, root = '/'): Promise<SocketFacts> {
  const tables = await Promise.all(
    ['udp', 'udp6'].map((name) => readText(join(root, 'proc/net', name), SOCKETS_LIMIT)),
  );
  const sockets = tables.flatMap((table) => socketsIn(table ?? '')).filter(({ port }) => ports.has(port));
  if (sockets.length === 0) return { udp: [], hidden: false };
  const { owners, hidden } = await ownersOf(new Set(sockets.map(({ inode }) => inode)), root);
  const udp = sockets.map(({ port, inode }): UdpSocket => {
    const owner = owners.get(inode);
    return { port, ...(owner === undefined ? {} : { owner }) };
  });
  return { udp, hidden };
}

/** `sl local_address rem_address st queues timer retrnsmt uid timeout inode …`, see proc_net_udp. */
function socketsIn(table: string): readonly { readonly port: number; readonly inode: string }[] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , , , , , , , inode] = line.trim().split(/\s+/);
      const port = Number.parseInt(local.split(':')[1] ?? '', 16);
      return inode === undefined || Number.isNaN(port) ? [] : [{ port, inode }];
    });
}

type Owners = Map<string, { readonly pid: number; readonly name: string }>;

async function ownersOf(
  inodes: ReadonlySet<string>,
  root: string,
): Promise<{ readonly owners: Owners; readonly hidden: boolean }> {
  const owners: Owners = new Map();
  for (const pid of await pidsIn(root)) {
    const folder = join(root, 'proc', pid, 'fd');
    for (const fd of await namesIn(folder)) {
      const target = await readlink(join(folder, fd)).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '';
      if (!inodes.has(inode) || owners.has(inode)) continue;
      const name = (await readIfPossible(join(root, 'proc', pid, 'comm')))?.trim() ?? '';
      owners.set(inode, { pid: Number(pid), name });
    }
  }
  // Another user's folder of descriptors lists nothing at all.
  return { owners, hidden: process.geteuid?.() !== 0 };
}

async function pidsIn(root: string): Promise<readonly string[]> {
  return (await namesIn(join(root, 'proc'))).filter((name) => /^[1-9]\d*$/.test(name));
}
