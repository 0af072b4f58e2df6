// Processor time: of the whole machine and of one process, in seconds, from /proc. Parsing is apart from reading.

import { readFileSync } from 'node:fs';

/** The kernel counts in this for user space on every architecture we run on. */
const TICKS_PER_SECOND = 100;

/** Seconds that all processors together have worked, by the text of /proc/stat; waiting and stolen time left out. */
export function parseBusy(stat: string): number {
  const line = /^cpu +([\d ]+)$/m.exec(stat)?.[1];
  if (line === undefined) throw new RangeError(`no line "cpu" in ${stat.slice(0, 100)}`);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(' ').map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

/** Seconds a process has worked, its ended threads included, by the text of /proc/<pid>/stat. */
export function parseProcess(stat: string): number {
  // The name, in brackets, may hold blanks and brackets; the fields after it are counted from 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [fields[14 - 3], fields[15 - 3]];
  if (user === undefined || system === undefined) throw new RangeError(`not a process's stat: ${stat}`);
  return (Number(user) + Number(system)) / TICKS_PER_SECOND;
}

export function busySeconds(): number {
  return parseBusy(readFileSync('/proc/stat', 'utf8'));
}

export function processSeconds(pid: number): number {
  return parseProcess(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}
