// Looks in /proc for a running flanneld of upstream. It reads names only; what follows from them is the caller's.
// A daemon in another PID namespace cannot be seen from here, so "none" is not a proof.

import { readFile, readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Programs upstream is known by: the daemon, and what its container calls it. */
const NAMES: readonly string[] = ['flanneld', 'flannel'];
/** Linux knows at most 4,194,304 pids; no host runs as many, and a look must end. */
const MOST = 65_536;

/**
 * The pids of processes, other than `self`, whose program or name is upstream's. Ours runs in node and is not
 * among them. Looks at no more than 65,536 processes. Rejects when `root` cannot be listed.
 */
export async function upstreamProcesses(self: number, root = '/proc'): Promise<number[]> {
  const pids = (await readdir(root)).filter((name) => /^[1-9]\d*$/.test(name) && Number(name) !== self);
  const found: number[] = [];
  for (const pid of pids.slice(0, MOST)) {
    const folder = join(root, pid);
    const program = await orNothing(readlink(join(folder, 'exe')));
    if (isNode(program)) continue;
    const comm = await orNothing(readFile(join(folder, 'comm'), 'utf8'));
    if (isUpstream(program) || isUpstream(comm)) found.push(Number(pid));
  }
  return found;
}

// A replaced binary that still runs is shown with this ending.
function nameOf(text: string): string {
  return basename(text.trim().replace(/ \(deleted\)$/, ''));
}

function isUpstream(text: string): boolean {
  return NAMES.includes(nameOf(text));
}

// Our own daemon may call itself flanneld.
function isNode(program: string): boolean {
  return nameOf(program) === 'node';
}

// A process that ended between the listing and the look (ENOENT, ESRCH), a kernel thread, or one we may not look into.
async function orNothing(reading: Promise<string>): Promise<string> {
  try {
    return await reading;
  } catch {
    return '';
  }
}
