// The wait before a network is left: its grace, and until no pod uses it. What is told meanwhile names who does.
// It removes nothing but the env file, so that nobody begins to use the network at the last moment.

import { sleep, type Clock } from '../clock.js';
import type { Counters } from '../counters.js';
import type { Logger } from '../logger.js';
import { readPrevious, removeEnv } from './network-env.js';
import type { NetworkPlan, PlannedNetwork } from './network-options.js';
import { usersOf, type UseParts } from './network-use.js';
import type { EnvFiles } from './subnet-env.js';

export interface DepartureParts extends UseParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: Counters;
  readonly envFiles: EnvFiles;
  /** What is being waited for, in words. */
  readonly tell: (text: string) => void;
}

const POLL_MS = 2_000;
/** A plugin that has read the env file records its use within this time. */
const PLUGIN_MS = 500;
const NAMED = 3;

/** Resolves when the network can be taken away, or the signal is aborted. Then its env files are gone, or there as before. */
export async function awaitUnused(
  parts: DepartureParts,
  network: PlannedNetwork,
  { graceMs, removal }: Pick<NetworkPlan, 'graceMs' | 'removal'>,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = parts;
  parts.tell(`it goes on for ${graceMs / 1000} s`);
  await sleep(clock, graceMs, signal);
  if (removal === 'force') return;
  const subnet = (await readPrevious(parts, network))?.subnets[4];
  let told = '';
  while (!signal.aborted) {
    const users = await inUse(parts, network, subnet);
    if (users === '' && (await closed(parts, network, subnet, signal))) return;
    if (users !== '' && users !== told) {
      parts.logger.warn('the network is kept as long as it is used; -network-remove=force would not wait', {
        reason: users,
      });
      told = users;
    }
    parts.tell(users === '' ? 'nobody uses it any more' : `used by ${users}`);
    await sleep(clock, POLL_MS, signal);
  }
}

/** Takes the env files away and looks once more; whether nobody has come meanwhile. Else they are there again. */
async function closed(
  parts: DepartureParts,
  network: PlannedNetwork,
  subnet: Parameters<typeof usersOf>[3],
  signal: AbortSignal,
): Promise<boolean> {
  const { envFiles, clock } = parts;
  const [file] = network.subnetFiles;
  const text = await envFiles.readText(file);
  await removeEnv(parts, network);
  await sleep(clock, PLUGIN_MS, signal);
  if (!signal.aborted && (await inUse(parts, network, subnet)) === '') return true;
  for (const path of text === undefined ? [] : network.subnetFiles) await envFiles.write(path, text ?? '');
  return false;
}

/** Who uses it, a few of them by name; empty for nobody. What cannot be found out counts as a use. */
async function inUse(
  parts: DepartureParts,
  network: PlannedNetwork,
  subnet: Parameters<typeof usersOf>[3],
): Promise<string> {
  try {
    const users = await usersOf(parts, network.name, network.subnetFiles, subnet);
    const more = users.length - NAMED;
    return `${users.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  } catch (error) {
    parts.counters.increment('waitRetries');
    return `somebody, maybe: ${error instanceof Error ? error.message : String(error)}`;
  }
}
