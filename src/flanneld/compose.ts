// The only place that builds real things: logger, clocks, etcd client, kernel. No decisions beyond the wiring.

import { randomBytes } from 'node:crypto';
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
import { IptablesEngine } from '../kernel/iptables/engine.js';
import { removeUpstreamNft } from '../kernel/iptables/upstream-nft.js';
import { upstreamProcesses } from '../kernel/iptables/upstream-processes.js';
import { NftEngine } from '../kernel/nftables/engine.js';
import { watchRules } from '../kernel/nftables/watch.js';
import type { Cidr } from '../subnet/cidr.js';
import { ToolRunner } from '../kernel/tool.js';
import {
  ALL_FEATURES,
  DATAPLANE_FEATURES,
  parseFeatures,
  type DataplaneFeature,
} from '../kernel/tun/features.js';
import { NativeDataplane } from '../kernel/tun/native-dataplane.js';
import type { Logger } from '../logger.js';
import { notifyServiceManager } from '../native.js';
import { StateError } from '../state/errors.js';
import { openState } from '../state/file-state.js';
import { readBootId, readHostName } from '../state/host.js';
import { readNodeId } from '../state/node-id.js';
import { EtcdRegistry } from '../subnet/etcd-registry.js';
import { exitCode, runDaemon } from './daemon.js';
import { FatalError, UsageError } from './errors.js';
import { redacted, type Options } from './flags.js';
import { createLogger } from './log.js';
import { networkOptions } from './network-options.js';
import type { NodeFacts } from './network-setup.js';
import { Stops } from './stops.js';
import type { RuleTools } from './traffic-rules.js';
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
  const network = networkOptions(options);
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
    const kernel = LinuxKernel.open(shared);
    stops.add('kernel', () => {
      kernel.close();
    });
    const registry = openRegistry(etcd, options['etcd-prefix'], shared);
    stops.add('registry', () => {
      registry.close();
    });
    const parts = {
      ...shared,
      kernel,
      registry,
      backends: BACKENDS,
      envFiles: systemEnvFiles,
      node,
      daemonHealth,
      newInstance: () => randomBytes(16).toString('hex'),
      openState: (name: string) =>
        openState({
          ...shared,
          stateDir: options['state-dir'],
          network: name,
          prefix: options['etcd-prefix'],
          signal,
        }),
      cores,
      notify,
      rules: ruleTools(shared, signal),
      dataplane: (events: DataplaneEvents) => new NativeDataplane({ events, logger, cores, disabled }),
    };
    return await runDaemon(parts, network, signal);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return exitCode(error, logger);
  } finally {
    await stops.run();
  }
}

function disabledFeatures(text: string): readonly DataplaneFeature[] {
  const features = parseFeatures(text);
  if (features !== undefined) return features;
  const known = [ALL_FEATURES, ...DATAPLANE_FEATURES].join(', ');
  throw new UsageError(`-udp-disable=${text}: choose from ${known}, with commas between`);
}

function ruleTools(parts: EtcdParts, signal: AbortSignal): (ranges: readonly Cidr[]) => RuleTools {
  const { clock, logger, counters } = parts;
  const runner = new ToolRunner({ clock, logger, signal });
  const nft = new NftEngine({ tool: runner, logger, counters });
  const watch = (changed: () => void): (() => void) =>
    watchRules({
      watches: (place) => nft.watches(place) || isIptables(place),
      listener: (event) => {
        nft.heard(event);
        changed();
      },
      clock,
      counters,
      logger,
    });
  return (ranges) => ({
    nft,
    iptables: new IptablesEngine({ runner, logger, primary: 'auto', rangesOf: () => ranges }),
    watch,
    removeUpstream: async () => {
      const running = (): Promise<number[]> => upstreamProcesses(process.pid);
      await removeUpstreamNft({ runner, logger, ranges, upstreamProcesses: running });
    },
  });
}

/** The tables in which iptables-nft keeps our chains. */
function isIptables({ family, table, chain }: { family: string; table: string; chain?: string }): boolean {
  const ours =
    chain === undefined || chain.startsWith('FLANNEL-') || chain === 'POSTROUTING' || chain === 'FORWARD';
  return family.startsWith('ip') && (table === 'nat' || table === 'filter') && ours;
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

function openRegistry(etcd: EtcdOptions, prefix: string, parts: EtcdParts): EtcdRegistry {
  return new EtcdRegistry({ client: new EtcdClient(etcd, parts), prefix, logger: parts.logger });
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
