// Looks for what a lab's runner may have left behind: processes that carry its mark, and namespaces that
// something still stands in.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { RUNNER_VARIABLE } from '../../src/lab/processes.js';

function processes(): string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
}

/** Whatever `read` gives; undefined when the process has gone meanwhile. */
function ifThere(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** Command lines of processes some lab of the given runner has started, at whatever remove. */
export function processesOf(runner: number): string[] {
  const mark = `${RUNNER_VARIABLE}=${runner}`;
  return processes().flatMap((pid) => {
    const environment = ifThere(() => readFileSync(`/proc/${pid}/environ`, 'utf8'));
    if (environment?.split('\0').includes(mark) !== true) return [];
    const command = ifThere(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    return [`${pid} ${command?.replaceAll('\0', ' ') ?? ''}`];
  });
}

/** Those of the given namespaces (`net:[4026532000]`) that a process is still in. */
export function namespacesInUse(namespaces: readonly string[]): string[] {
  const inUse = new Set<string>();
  for (const pid of processes()) {
    for (const kind of ['net', 'mnt', 'uts']) {
      const id = ifThere(() => readlinkSync(`/proc/${pid}/ns/${kind}`));
      if (id !== undefined) inUse.add(id);
    }
  }
  return namespaces.filter((id) => inUse.has(id));
}
