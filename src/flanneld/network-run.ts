// What the parts of one run of a network share, and what is common to them: whose it is, how it ends, what is ours.

import type { Logger } from '../logger.js';
import type { Cidr } from '../subnet/cidr.js';
import type { LeaseRecord } from '../subnet/lease.js';
import type { EnvContents } from './network-env.js';
import type { NetworkLife } from './network-life.js';
import type { NetworkOptions } from './network-options.js';
import type { NetworkParts, Setup } from './network-setup.js';
import type { Stops } from './stops.js';
import type { PreviousEnv } from './subnet-env.js';

/** From one beginning of a network to its stop, or to what it cannot go on from. */
export interface NetworkRun {
  readonly parts: NetworkParts;
  readonly options: NetworkOptions;
  readonly life: NetworkLife;
  /** Run when this run is over. */
  readonly stops: Stops;
  /** Aborted when the run is to stop, or cannot go on: with the reason. */
  readonly end: AbortSignal;
  /** Ends the run with this error. */
  readonly fail: (error: Error) => void;
  /** Whether it ends because the daemon is to stop. */
  readonly stopping: () => boolean;
}

/** The network's ranges, and those of the env file's life before: what is ours in either is ours. */
export function knownRanges({ ranges }: Setup, previous: PreviousEnv | undefined): readonly Cidr[] {
  const current = [ranges[4], ranges[6]].filter((range) => range !== undefined);
  return [...current, ...(previous?.networks ?? [])];
}

/** Whether what leaves the overlay is masqueraded: the config says so, else the command line. */
export function masquerades(
  { rules }: Pick<NetworkOptions, 'rules'>,
  { config }: Pick<Setup, 'config'>,
): boolean {
  return config.ipMasq ?? rules.ipMasq;
}

/** What the env files say of the network. */
export function envContents(
  options: Pick<NetworkOptions, 'rules'>,
  setup: Setup,
  { subnets }: Pick<LeaseRecord, 'subnets'>,
): EnvContents {
  const { ranges: networks, backend } = setup;
  return { networks, subnets, mtu: backend.mtu, ipMasq: masquerades(options, setup) };
}

/** Says what was chosen, and why. */
export function describeSetup(logger: Logger, { choice, backend, config }: Setup): void {
  for (const reason of choice.rejected) logger.info('interface not chosen', { reason });
  logger.info('interface chosen', {
    iface: choice.external.name,
    publicIp: choice.external.publicIps[4] ?? '',
    mtu: choice.external.mtu,
    reason: choice.reason,
  });
  logger.info('backend opened', {
    backend: config.backend.type,
    object: backend.description,
    mtu: backend.mtu,
  });
}
