// What the command line says of one network: as plain data, and how it follows from the flags.

import type { LeaseTerms } from '../subnet/lease-manager.js';
import type { PeerFilterMode } from '../kernel/rules.js';
import type { InterfaceWishes } from './external-interface.js';
import type { Options } from './flags.js';
import { leaseTerms } from './lease-options.js';
import { networkName } from './network-name.js';
import { DEFAULT_SUBNET_FILE } from './subnet-env.js';
import type { RuleWishes } from './traffic-rules.js';

export interface NetworkOptions {
  /** Names the network's devices' alias, its state folder, and its log lines. */
  readonly name: string;
  /** Where it lies in the store. */
  readonly prefix: string;
  readonly subnetFile: string;
  /** Whether to keep the file's other name (subnets.env) beside it. */
  readonly alias: boolean;
  readonly wishes: InterfaceWishes;
  readonly rules: RuleWishes;
  /** Whether to keep a blackhole route for our own subnet (-ip-blackhole-route). */
  readonly blackhole: boolean;
  readonly terms: LeaseTerms;
  /** What to do when our subnet is not ours any more (-on-lease-lost). */
  readonly onLeaseLost: 'exit' | 'reacquire';
  /** Whether a stop gives the subnet back (-release-on-exit). */
  readonly releaseOnExit: boolean;
  /** Called when pods can use the network. */
  readonly onReady: () => void;
}

/** Throws UsageError where flags contradict each other. */
export function networkOptions(options: Options): Omit<NetworkOptions, 'onReady'> {
  return {
    name: networkName(options['etcd-prefix']),
    prefix: options['etcd-prefix'],
    subnetFile: options['subnet-file'],
    alias: options['subnet-file'] === DEFAULT_SUBNET_FILE,
    rules: {
      ipMasq: options['ip-masq'],
      fullyRandom: !options['ip-masq-fully-random-disable'],
      forward: options['iptables-forward-rules'],
      filter: options['peer-filter'] as PeerFilterMode,
      resyncSeconds: options['iptables-resync'],
    },
    blackhole: options['ip-blackhole-route'],
    terms: leaseTerms(options),
    onLeaseLost: options['on-lease-lost'] as NetworkOptions['onLeaseLost'],
    releaseOnExit: options['release-on-exit'],
    wishes: {
      iface: options.iface,
      ifaceRegex: options['iface-regex'],
      canReach: options['iface-can-reach'],
      publicIp: options['public-ip'],
    },
  };
}
