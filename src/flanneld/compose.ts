// The only place that builds real things: logger, clocks, etcd client, kernel. No decisions beyond the wiring.

import { createHash, randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { BACKENDS } from '../backends/index.js';
import { systemClock } from '../clock.js';
import { Counters } from '../counters.js';
import { EtcdClient, type EtcdOptions, type EtcdParts } from '../etcd/client.js';
import { EndpointError, parseEndpoints } from '../etcd/endpoints.js';
import { DaemonHealth } from '../health/daemon-health.js';
import { HealthError } from '../health/errors.js';
import { openHealthListener } from '../health/listener.js';
import { watchHealth } from '../health/watch.js';
import { LinuxKernel } from '../kernel/rtnetlink/linux-kernel.js';
import type { DataplaneEvents } from '../kernel/dataplane.js';
import { HostRules } from '../kernel/host-rules.js';
import {
  ALL_FEATURES,
  DATAPLANE_FEATURES,
  parseFeatures,
  type DataplaneFeature,
} from '../kernel/tun/features.js';
import { NativeDataplane } from '../kernel/tun/native-dataplane.js';
import type { Logger } from '../logger.js';
import { notifyServiceManager } from '../native.js';
import { ownIdentity } from '../process-identity.js';
import { StateError } from '../state/errors.js';
import { openState } from '../state/file-state.js';
import { removeFolder } from '../state/folder.js';
import { readBootId, readHostName } from '../state/host.js';
import { readNodeId } from '../state/node-id.js';
import { EtcdNetworkStore } from '../subnet/etcd-network-store.js';
import { EtcdRegistry } from '../subnet/etcd-registry.js';
import { exitCode, runDaemon } from './daemon.js';
import { FatalError, UsageError } from './errors.js';
import { redacted, type Options } from './flags.js';
import { createLogger } from './log.js';
import { HostPlaces, isolatedNetworks } from './host-places.js';
import { networkPlan, type NetworkPlan, type PlannedNetwork } from './network-options.js';
import { recordedUses } from './network-use.js';
import type { OwnParts, SharedParts } from './networks.js';
import type { NodeFacts } from './network-setup.js';
import { StatusFiles } from './status-files.js';
import { Stops } from './stops.js';
import { systemEnvFiles } from './subnet-env.js';

/**
 * Builds the daemon from its options and runs it until the signal is aborted; resolves to the exit code.
 * Throws UsageError for options that name nothing that could be used.
 */
export async function startFlanneld(
  options: Options,
  environment: NodeJS.ProcessEnv,
  version: string,
  signal: AbortSignal,
): Promise<number> {
  const etcd = etcdOptions(options);
  const disabled = disabledFeatures(options['udp-disable']);
  const plan = networkPlan(options);
  const cores = availableParallelism();
  const logger = createLogger({
    verbosity: options.v,
    human: process.stderr.isTTY,
    write: (line) => process.stderr.write(line),
  });
  logger.info('flanneld starts', { version, options: redacted(options) });
  const shared = { clock: systemClock, random: Math.random, logger, counters: new Counters() };
  const stops = new Stops(logger);
  try {
    const node = await nodeFacts(options, logger);
    const daemonHealth = new DaemonHealth(systemClock);
    const notify = serviceManager(environment['NOTIFY_SOCKET'], logger);
    await openHealth(options, { ...shared, health: daemonHealth, notify }, stops);
    const host = openHost(shared, plan, signal, stops);
    const { client, store } = openStore(etcd, shared, stops);
    const statusFiles = new StatusFiles({
      ...shared,
      envFiles: systemEnvFiles,
      daemonHealth,
      identity: ownIdentity(),
      subnetDir: plan.subnetDir,
    });
    stops.add('status files', () => statusFiles.stop());
    const own = ({ name, prefix }: PlannedNetwork): OwnParts => ({
      registry: new EtcdRegistry({ client, sharedClient: true, prefix, logger }),
      openState: () =>
        openState({ ...shared, stateDir: options['state-dir'], network: name, prefix, signal }),
      removeState: () => removeFolder(options['state-dir'], name),
      claimVni: (taken) => store.claimVni(prefix, taken, signal),
      releaseVni: () => store.releaseVni(prefix),
    });
    const networks = {
      ...{ ...shared, ...host },
      backends: BACKENDS,
      envFiles: systemEnvFiles,
      node,
      daemonHealth,
      pluginUses: recordedUses,
      newInstance: () => randomBytes(16).toString('hex'),
      cores,
      dataplane: (events: DataplaneEvents) => new NativeDataplane({ events, logger, cores, disabled }),
    };
    return await runDaemon({ logger, notify, shared: networks, own, store, statusFiles }, plan, signal);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return exitCode(error, logger);
  } finally {
    await stops.run();
  }
}

/** The kernel, what carries out rules, and who occupies what: one of each for all networks. */
function openHost(
  parts: EtcdParts,
  plan: NetworkPlan,
  signal: AbortSignal,
  stops: Stops,
): Pick<SharedParts, 'kernel' | 'rules' | 'places'> {
  const kernel = LinuxKernel.open(parts);
  stops.add('kernel', () => {
    kernel.close();
  });
  const hostRules = new HostRules({ ...parts, signal, suffix: isolationSuffix(plan) });
  stops.add('isolation', () => hostRules.isolation.stop());
  const places = new HostPlaces((all) => {
    hostRules.isolation.set(isolatedNetworks(all));
  });
  return { kernel, places, rules: (name, ranges) => hostRules.tools(name, ranges) };
}

function openStore(
  etcd: EtcdOptions,
  parts: EtcdParts,
  stops: Stops,
): { readonly client: EtcdClient; readonly store: EtcdNetworkStore } {
  const client = new EtcdClient(etcd, parts);
  stops.add('etcd client', () => {
    client.close();
  });
  return { client, store: new EtcdNetworkStore({ client, ...parts }) };
}

/** Daemons on one host have networks in different places of etcd. */
function isolationSuffix({ networksPrefix, named }: NetworkPlan): string {
  const place = networksPrefix ?? named[0]?.prefix ?? '';
  return createHash('sha256').update(place).digest('hex').slice(0, 8);
}

function disabledFeatures(text: string): readonly DataplaneFeature[] {
  const features = parseFeatures(text);
  if (features !== undefined) return features;
  const known = [ALL_FEATURES, ...DATAPLANE_FEATURES].join(', ');
  throw new UsageError(`-udp-disable=${text}: choose from ${known}, with commas between`);
}

/** Throws UsageError for a -node-id that is none, FatalError where none can be made. */
async function nodeFacts(options: Options, logger: Logger): Promise<NodeFacts> {
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

/** The listener where one is asked for, the log of changes, and the status line of the service manager. */
async function openHealth(
  options: Options,
  parts: EtcdParts & { readonly health: DaemonHealth; readonly notify: (state: string) => void },
  stops: Stops,
): Promise<void> {
  const { health, notify } = parts;
  stops.add(
    'health',
    watchHealth(health, {
      ...parts,
      onStatus: (text) => {
        notify(`STATUS=${text}`);
      },
    }),
  );
  if (options['healthz-port'] === 0) return;
  try {
    const at = { ip: options['healthz-ip'], port: options['healthz-port'] };
    const listener = await openHealthListener(at, parts);
    stops.add('health listener', () => listener.stop());
  } catch (error) {
    if (!(error instanceof HealthError)) throw error;
    throw new FatalError('health-listener', error.message, { cause: error });
  }
}

function etcdOptions(options: Options): EtcdOptions {
  const [ca, cert, key] = [options['etcd-cafile'], options['etcd-certfile'], options['etcd-keyfile']];
  if ((cert === '') !== (key === '')) {
    throw new UsageError('-etcd-certfile and -etcd-keyfile belong together; give both or neither');
  }
  const [username, password] = [options['etcd-username'], options['etcd-password']];
  if ((username === '') !== (password === '')) {
    throw new UsageError('-etcd-username and -etcd-password belong together; give both or neither');
  }
  const tls = {
    ...(ca === '' ? {} : { caFile: ca }),
    ...(cert === '' ? {} : { certFile: cert, keyFile: key }),
  };
  try {
    return {
      endpoints: parseEndpoints(options['etcd-endpoints']),
      ...(Object.keys(tls).length === 0 ? {} : { tls }),
      ...(username === '' ? {} : { credentials: { username, password } }),
    };
  } catch (error) {
    if (error instanceof EndpointError) throw new UsageError(`-etcd-endpoints: ${error.message}`);
    throw error;
  }
}

/** sd_notify(3); without a NOTIFY_SOCKET nobody listens. */
function serviceManager(path: string | undefined, logger: Logger): (state: string) => void {
  if (path === undefined || path === '') return () => undefined;
  return (state) => {
    try {
      notifyServiceManager(path, state);
    } catch (error) {
      logger.warn('the service manager cannot be told', { state, file: path, err: error });
    }
  };
}
