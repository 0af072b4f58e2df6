// What the open files of a process are, counted by kind, for whoever has to find out why there are more and more of them.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** States of a TCP connection (net/tcp_states.h) that are worth a word. */
const TCP_STATES: Readonly<Record<string, string>> = {
  '01': 'established',
  '02': 'being made',
  '04': 'closing',
  '05': 'closing',
  '08': 'closed by the other side',
  '0A': 'listening',
};

/** `3 × tcp to 10.0.0.9:2379 established, 12 × anon_inode:[eventpoll]`; empty for a process that has ended. */
export function openHandles(pid: number): string {
  const links = listed(pid);
  const sockets = socketNames(pid);
  const counts = new Map<string, number>();
  for (const link of links) {
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
    const name = inode === undefined ? link.replace(/^(pipe):.*/, '$1') : (sockets.get(inode) ?? 'socket');
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ');
}

function listed(pid: number): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).flatMap((fd) => {
      try {
        return [readlinkSync(`${folder}/${fd}`)];
      } catch {
        return []; // Closed in this moment.
      }
    });
  } catch {
    return [];
  }
}

/** By inode. */
function socketNames(pid: number): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [, , remote = '', state = '', , , , , , inode = ''] of table(pid, 'tcp')) {
    names.set(inode, `tcp to ${endpointText(remote)} ${TCP_STATES[state] ?? `in state ${state}`}`);
  }
  for (const columns of table(pid, 'netlink')) names.set(columns[9] ?? '', `netlink ${columns[1] ?? ''}`);
  for (const columns of table(pid, 'unix')) names.set(columns[6] ?? '', 'unix');
  return names;
}

function table(pid: number, protocol: string): readonly (readonly string[])[] {
  try {
    const lines = readFileSync(`/proc/${pid}/net/${protocol}`, 'latin1').trim().split('\n').slice(1);
    return lines.map((line) => line.trim().split(/\s+/));
  } catch {
    return [];
  }
}

/** `0900000A:094B`, in the byte order of the machine, to `10.0.0.9:2379`. */
function endpointText(text: string): string {
  const [address = '', port = ''] = text.split(':');
  const bytes =
    address
      .match(/../g)
      ?.map((byte) => parseInt(byte, 16))
      .reverse() ?? [];
  return `${bytes.join('.')}:${parseInt(port, 16)}`;
}
