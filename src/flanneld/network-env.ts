// The env file in the life of a network: read at the start for what an earlier life had, written until it succeeds.
// Its form is subnet-env.ts.

import { sleep } from '../clock.js';
import type { LeaseRecord } from '../subnet/lease.js';
import { WaitReport } from '../subnet/retry.js';
import type { Setup, SetupParts } from './network-setup.js';
import { renderSubnetEnv, type PreviousEnv } from './subnet-env.js';

const FILE_RETRY_MS = 5_000;

type EnvParts = Pick<SetupParts, 'envFiles' | 'clock' | 'logger' | 'counters'>;

interface EnvOptions {
  readonly subnetFile: string;
  /** Whether to keep the file's other name (subnets.env) beside it. */
  readonly alias: boolean;
  readonly rules: { readonly ipMasq: boolean };
}

/** What the file says of the life before; undefined without one, or when it cannot be read, which is told. */
export async function readPrevious(
  { envFiles, logger, counters }: Omit<EnvParts, 'clock'>,
  { subnetFile: file }: EnvOptions,
): Promise<PreviousEnv | undefined> {
  try {
    return await envFiles.read(file);
  } catch (error) {
    counters.increment('waitRetries');
    logger.warn('the previous env file cannot be read, going on without it', { file, err: error });
    return undefined;
  }
}

/** Resolves when the file is written; rejects with the signal's reason. */
export async function writeEnv(
  parts: EnvParts,
  { subnetFile: file, alias, rules }: EnvOptions,
  { backend, ranges }: Pick<Setup, 'ranges'> & { readonly backend: Pick<Setup['backend'], 'mtu'> },
  own: Pick<LeaseRecord, 'subnets'>,
  end: AbortSignal,
): Promise<void> {
  const { envFiles, logger, clock } = parts;
  const { mtu } = backend;
  const text = renderSubnetEnv({ networks: ranges, subnets: own.subnets, mtu, ipMasq: rules.ipMasq });
  const report = new WaitReport(parts);
  for (;;) {
    try {
      await envFiles.write(file, text);
      if (alias && !(await envFiles.linkAlias(file))) {
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
