// Runs a scenario of kernel-scenarios.js as a process of its own: inside a namespace, or without privilege.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Netns } from './netns.js';

const run = promisify(execFile);
const program = fileURLToPath(new URL('./kernel-scenarios.js', import.meta.url));

/** What the scenario printed. */
export function runInNetns(netns: Netns, ...parameters: string[]): Promise<string> {
  return netns.exec(process.execPath, program, ...parameters);
}

/** What the scenario printed, run by a user without any capability. */
export async function runAsNobody(...parameters: string[]): Promise<string> {
  const drop = ['--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all', '--inh-caps=-all'];
  const { stdout } = await run('setpriv', [...drop, process.execPath, program, ...parameters]);
  return stdout;
}
