// The only place that builds real things: logger, clocks, etcd client, kernel. No decisions beyond the wiring.

import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { posix } from 'node:path';
import { BACKENDS } from '../backends/index.js';
import { systemClock } from '../clock.js';
import { Counters } from '../counters.js';
import { EtcdClient, type EtcdOptions, type EtcdParts } from '../etcd/client.js';
import { EndpointError, parseEndpoints } from '../etcd/endpoints.js';
import { LinuxKernel } from '../kernel/rtnetlink/linux-kernel.js';
import type { DataplaneEvents } from '../kernel/dataplane.js';
import { IptablesEngine } from '../kernel/iptables/engine.js';
import { removeUpstreamNft } from '../kernel/iptables/upstream-nft.js';
import { upstreamProcesses } from '../kernel/iptables/upstream-processes.js';
import { NftEngine } from '../kernel/nftables/engine.js';
import { watchRules } from '../kernel/nftables/watch.js';
import type { Cidr } from '../subnet/cidr.js';
import type { PeerFilterMode } from '../kernel/rules.js';
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
import { EtcdRegistry } from '../subnet/etcd-registry.js';
import { runDaemon } from './daemon.js';
import { UsageError } from './errors.js';
import { redacted, type Options } from './flags.js';
import { createLogger } from './log.js';
import { Stops } from './stops.js';
import type { RuleTools } from './traffic-rules.js';
import { DEFAULT_SUBNET_FILE, systemEnvFiles } from './subnet-env.js';

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
    const kernel = LinuxKernel.open(shared);
    stops.add('kernel', () => {
      kernel.close();
    });
    const registry = openRegistry(etcd, options['etcd-prefix'], shared);
    stops.add('registry', () => {
      registry.close();
    });
    const notify = serviceManager(environment['NOTIFY_SOCKET'], logger);
    const network = {
      name: networkName(options['etcd-prefix']),
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
      wishes: {
        iface: options.iface,
        ifaceRegex: options['iface-regex'],
        canReach: options['iface-can-reach'],
        publicIp: options['public-ip'],
      },
    };
    const parts = {
      ...shared,
      kernel,
      registry,
      backends: BACKENDS,
      envFiles: systemEnvFiles,
      cores,
      notify,
      rules: ruleTools(shared, signal),
      dataplane: (events: DataplaneEvents) => new NativeDataplane({ events, logger, cores, disabled }),
    };
    return await runDaemon(parts, network, signal);
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

/**
 * Names a network's objects on this host: `network` for flannel's default prefix, otherwise the last part of the prefix
 * and a hash of the whole, so that daemons for `/a/network` and `/b/network` keep out of each other's way.
 */
function networkName(prefix: string): string {
  const path = posix.join('/', prefix, '.').replace(/\/$/, '');
  if (path === '/coreos.com/network') return 'network';
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 6);
  return `${posix.basename(path) || 'root'}-${hash}`;
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
