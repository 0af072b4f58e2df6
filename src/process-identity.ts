// Which process wrote a file, and whether it still lives: a pid alone may be another program's by now, or a number of
// another pid namespace, such as a container's. Reads /proc and nothing else.

import { readFileSync, readlinkSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in clock ticks since boot (field 22 of /proc/<pid>/stat). Absent where it is not known. */
  readonly startTicks?: number;
  /** Where the pid counts: the target of /proc/self/ns/pid. Absent where it is not known. */
  readonly pidNamespace?: string;
}

/** `unknown`: the pid is of a namespace that cannot be seen from here. */
export type Liveness = 'alive' | 'gone' | 'unknown';

/** This process. What /proc does not tell is absent. */
export function ownIdentity(): ProcessIdentity {
  const startTicks = startTicksOf('self');
  const pidNamespace = ownPidNamespace();
  return {
    pid: process.pid,
    ...(startTicks === undefined ? {} : { startTicks }),
    ...(pidNamespace === undefined ? {} : { pidNamespace }),
  };
}

/** Whether the process that is meant still runs. A zombie does not. */
export function livenessOf({ pid, startTicks, pidNamespace }: ProcessIdentity): Liveness {
  if (pidNamespace !== undefined && pidNamespace !== ownPidNamespace()) return 'unknown';
  const now = startTicksOf(String(pid));
  if (now === undefined) return 'gone';
  return startTicks === undefined || startTicks === now ? 'alive' : 'gone';
}

function ownPidNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    // No /proc, or not ours to read: then it is simply not known.
    return undefined;
  }
}

function startTicksOf(pid: string): number | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The second field is the command in parentheses, which may hold anything, also parentheses and spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[19]);
  return fields[0] === 'Z' || fields[0] === 'X' || !Number.isSafeInteger(ticks) ? undefined : ticks;
}
