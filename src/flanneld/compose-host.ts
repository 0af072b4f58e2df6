// Builds what a daemon stands on: kernel, rules, etcd client, and who this node is.

import { randomBytes } from 'node:crypto';
import { EtcdClient, type EtcdOptions, type EtcdParts } from '../etcd/client.js';
import type { OpenHeartbeat } from '../heartbeat.js';
import { HostRules } from '../kernel/host-rules.js';
import { LinuxKernel } from '../kernel/rtnetlink/linux-kernel.js';
import {
  ALL_FEATURES,
  DATAPLANE_FEATURES,
  parseFeatures,
  type DataplaneFeature,
} from '../kernel/tun/features.js';
import type { Logger } from '../logger.js';
import { NativeEchoSocket } from '../probe/native-echo.js';
import { nodeHash } from '../probe/payload.js';
import { Prober, type ProberParts } from '../probe/prober.js';
import { StateError } from '../state/errors.js';
import { readBootId, readHostName } from '../state/host.js';
import { readNodeId } from '../state/node-id.js';
import { EtcdNetworkStore } from '../subnet/etcd-network-store.js';
import { durationSeconds } from './duration.js';
import type { Probes } from './daemon-view.js';
import { FatalError, UsageError } from './errors.js';
import type { Options } from './flags.js';
import { HostPlaces, isolatedNetworks, isolationSuffix } from './host-places.js';
import type { NetworkPlan } from './network-options.js';
import type { NodeFacts } from './network-setup.js';
import type { SharedParts } from './networks.js';
import type { Stops } from './stops.js';

/** The kernel, what carries out rules, and who occupies what: one of each for all networks. */
export function openHost(
  parts: EtcdParts & { readonly heartbeat: OpenHeartbeat },
  plan: NetworkPlan,
  signal: AbortSignal,
  stops: Stops,
): Pick<SharedParts, 'kernel' | 'rules' | 'places'> {
  const kernel = LinuxKernel.open(parts);
  stops.add('kernel', () => {
    kernel.close();
  });
  const hostRules = new HostRules({
    ...parts,
    signal,
    suffix: isolationSuffix(plan.networksPrefix ?? plan.named[0]?.prefix ?? ''),
  });
  stops.add('isolation', () => hostRules.isolation.stop());
  const places = new HostPlaces((all) => {
    hostRules.isolation.set(isolatedNetworks(all));
  });
  return { kernel, places, rules: (name, ranges) => hostRules.tools(name, ranges) };
}

/** Probes the peers of all networks, unless that is off or the kernel does not let us. */
export function openProber(
  options: Options,
  { nodeId }: NodeFacts,
  parts: Pick<ProberParts, 'clock' | 'random' | 'logger' | 'counters' | 'heartbeat'>,
  stops: Stops,
): Prober {
  const open = (): NativeEchoSocket => NativeEchoSocket.open({ identifier: randomBytes(2).readUInt16BE() });
  const intervalMs = (durationSeconds(options['probe-interval']) ?? 0) * 1000;
  const prober = new Prober({ ...parts, randomBytes, open, node: nodeHash(nodeId) }, intervalMs);
  prober.start();
  stops.add('prober', () => {
    prober.stop();
  });
  return prober;
}

/** What is shown of the probe. */
export function probesOf(prober: Prober, options: Options): Probes {
  const intervalSeconds = durationSeconds(options['probe-interval']) ?? 0;
  return {
    get state() {
      return { ...prober.state, intervalSeconds };
    },
    report: (network) => prober.report(network),
  };
}

/** The one client of this daemon, and what it knows of networks. */
export function openStore(
  etcd: EtcdOptions,
  parts: EtcdParts & { readonly heartbeat: OpenHeartbeat },
  stops: Stops,
): { readonly client: EtcdClient; readonly store: EtcdNetworkStore } {
  const client = new EtcdClient(etcd, parts);
  stops.add('etcd client', () => {
    client.close();
  });
  return { client, store: new EtcdNetworkStore({ client, ...parts }) };
}

/** Throws UsageError for -udp-disable that names a feature there is none of. */
export function disabledFeatures(text: string): readonly DataplaneFeature[] {
  const features = parseFeatures(text);
  if (features !== undefined) return features;
  const known = [ALL_FEATURES, ...DATAPLANE_FEATURES].join(', ');
  throw new UsageError(`-udp-disable=${text}: choose from ${known}, with commas between`);
}

/** Throws UsageError for a -node-id that is none, FatalError where none can be made. */
export async function nodeFacts(options: Options, logger: Logger): Promise<NodeFacts> {
  try {
    const { nodeId, origin } = await readNodeId({
      given: options['node-id'],
      stateDir: options['state-dir'],
      randomBytes,
      logger,
    });
    const facts = { nodeId, host: readHostName(), bootId: await readBootId() };
    logger.info('this node', { object: nodeId, reason: `its id is from: ${origin}` });
    return facts;
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
    if (options['node-id'] !== '') throw new UsageError(`-node-id: ${error.message}`);
    throw new FatalError('no-identity', error.message, { cause: error });
  }
}
