// The env file in the life of a network: read at the start for what an earlier life had, written until it succeeds.
// Its form is subnet-env.ts.

import { sleep } from '../clock.js';
import { WaitReport } from '../subnet/retry.js';
import { hasAlias } from './network-options.js';
import type { SetupParts } from './network-setup.js';
import { renderSubnetEnv, type PreviousEnv, type SubnetEnv } from './subnet-env.js';

const FILE_RETRY_MS = 5_000;

type EnvParts = Pick<SetupParts, 'envFiles' | 'clock' | 'logger' | 'counters'>;

interface EnvOptions {
  /** All alike; the first is read back. */
  readonly subnetFiles: readonly [string, ...string[]];
}

/** What the files say: the network's ranges, our subnets in them, the MTU, and whether traffic is masqueraded. */
export type EnvContents = SubnetEnv;

/** What the file says of the life before; undefined without one, or when it cannot be read, which is told. */
export async function readPrevious(
  { envFiles, logger, counters }: Omit<EnvParts, 'clock'>,
  { subnetFiles: [file] }: EnvOptions,
): Promise<PreviousEnv | undefined> {
  try {
    return await envFiles.read(file);
  } catch (error) {
    counters.increment('waitRetries');
    logger.warn('the previous env file cannot be read, going on without it', { file, err: error });
    return undefined;
  }
}

/** Resolves when the files are written; rejects with the signal's reason. */
export async function writeEnv(
  parts: EnvParts,
  { subnetFiles }: EnvOptions,
  contents: EnvContents,
  end: AbortSignal,
): Promise<void> {
  const text = renderSubnetEnv(contents);
  for (const file of subnetFiles) await writeFile(parts, file, text, end);
}

async function writeFile(parts: EnvParts, file: string, text: string, end: AbortSignal): Promise<void> {
  const { envFiles, logger, clock } = parts;
  const report = new WaitReport(parts);
  for (;;) {
    try {
      await envFiles.write(file, text);
      if (hasAlias(file) && !(await envFiles.linkAlias(file))) {
        logger.warn('subnets.env beside the env file is not ours, left as it is', { file });
      }
      report.ended();
      return;
    } catch (error) {
      report.failed(`write ${file}`, error);
      await sleep(clock, FILE_RETRY_MS, end);
      end.throwIfAborted();
    }
  }
}

/** Removes them, and the other name of one that has it. A failure is told, and counted. */
export async function removeEnv(
  { envFiles, logger, counters }: Omit<EnvParts, 'clock'>,
  { subnetFiles }: EnvOptions,
): Promise<void> {
  for (const file of subnetFiles) {
    try {
      await envFiles.remove(file);
    } catch (error) {
      counters.increment('waitRetries');
      logger.error('the env file cannot be removed; remove it by hand', { file, err: error });
    }
  }
}
