// Whether an ADD of an attachment is still at work somewhere: a plugin that was killed leaves its delegate behind, and that
// one its IPAM plugin, which would give an address to a container that is being taken away. They are known by the CNI_*
// variables that all of them inherit. Looked for only where an ADD did not come to its end.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { CniError } from './errors.js';
import type { PluginParts } from './parts.js';

const WAIT_MS = 10_000;
const PAUSE_MS = 20;

/**
 * Waits until no ADD of the attachment is at work but this process and those that started it, ten seconds at most.
 * Throws CniError `try-again`, which names who is.
 */
export function awaitQuiet(parts: PluginParts, containerId: string, ifname: string): void {
  for (let waited = 0; ; waited += PAUSE_MS) {
    const pids = addsUnderWay(containerId, ifname);
    if (pids.length === 0) return;
    if (waited >= WAIT_MS) {
      throw new CniError(
        'try-again',
        `an earlier ADD of ${ifname} of container ${containerId} is still at work`,
        `process ${pids.join(', ')}`,
      );
    }
    parts.pause(PAUSE_MS);
  }
}

/** The processes that an ADD of the attachment consists of, without this one and its ancestors. */
export function addsUnderWay(containerId: string, ifname: string): readonly number[] {
  const wanted = ['CNI_COMMAND=ADD', `CNI_CONTAINERID=${containerId}`, `CNI_IFNAME=${ifname}`];
  const ours = new Set(ancestors());
  const namespace = namespaceOf('self');
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && !ours.has(Number(name)))
    .filter((pid) => {
      const environment = textOf(`/proc/${pid}/environ`);
      if (!environment.includes(wanted[1] ?? '')) return false;
      const variables = new Set(environment.split('\0'));
      // A process in a container may call itself anything; it is not what a runtime has started here.
      return wanted.every((variable) => variables.has(variable)) && namespaceOf(pid) === namespace;
    })
    .map(Number);
}

function ancestors(): readonly number[] {
  const pids: number[] = [];
  for (let pid = process.pid; pid > 0 && !pids.includes(pid);) {
    pids.push(pid);
    const status = textOf(`/proc/${pid}/stat`);
    // The command in parentheses may hold anything; the state and the parent come after it.
    pid = Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
  }
  return pids;
}

/** What does not exist any more, or is not ours to look at, has no text. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function namespaceOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return '';
  }
}
