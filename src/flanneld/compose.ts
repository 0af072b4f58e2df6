// The only place, with the two compose-*.ts beside it, that builds real things: logger, clocks, etcd client, kernel. No
// decisions beyond the wiring.

import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { EventLog } from '../api/events.js';
import { BACKENDS } from '../backends/index.js';
import { systemClock } from '../clock.js';
import { Counters } from '../counters.js';
import type { EtcdOptions, EtcdParts } from '../etcd/client.js';
import { DaemonHealth } from '../health/daemon-health.js';
import { Heartbeats } from '../health/heartbeats.js';
import { StoreTimes } from '../health/store-times.js';
import type { DataplaneFeature } from '../kernel/tun/features.js';
import { NativeDataplane } from '../kernel/tun/native-dataplane.js';
import { ownIdentity } from '../process-identity.js';
import { openState } from '../state/file-state.js';
import { removeFolder } from '../state/folder.js';
import { EtcdRegistry } from '../subnet/etcd-registry.js';
import { disabledFeatures, nodeFacts, openHost, openProber, openStore, probesOf } from './compose-host.js';
import { openHealth, openOutside, serviceManager } from './compose-outside.js';
import { exitCode, runDaemon } from './daemon.js';
import { etcdOptions } from './etcd-options.js';
import { UsageError } from './errors.js';
import { redacted, type Options } from './flags.js';
import { LiveNetworks } from './live-networks.js';
import { createLogger, type LogOptions } from './log.js';
import { networkPlan, type NetworkPlan, type PlannedNetwork } from './network-options.js';
import { recordedUses } from './network-use.js';
import type { OwnParts, SharedParts } from './networks.js';
import { followService } from './service-manager.js';
import { StatusFiles } from './status-files.js';
import { Stops } from './stops.js';
import { systemEnvFiles } from './subnet-env.js';

/** Aborted, and dispatching `hangup`, as the process is told by signals. */
export interface ProcessSignals {
  readonly stop: AbortSignal;
  readonly hangup: EventTarget;
}

/** What the log says of the program itself. */
interface Program {
  readonly version: string;
  /** Whether its code was compiled already; undefined where it is no bundle. */
  readonly codeCache?: string;
}

/**
 * Builds the daemon from its options and runs it until the signal is aborted; resolves to the exit code.
 * Throws UsageError for options that name nothing that could be used.
 */
export async function startFlanneld(
  options: Options,
  environment: NodeJS.ProcessEnv,
  program: Program,
  signals: ProcessSignals,
): Promise<number> {
  const asked = {
    options,
    version: program.version,
    environment,
    etcd: etcdOptions(options),
    plan: networkPlan(options),
    disabled: disabledFeatures(options['udp-disable']),
  };
  const log: LogOptions = {
    verbosity: options.v,
    human: process.stderr.isTTY,
    write: (line) => process.stderr.write(line),
  };
  const logger = createLogger(log);
  logger.info('flanneld starts', { ...program, options: redacted(options) });
  const core = { clock: systemClock, random: Math.random, logger, counters: new Counters() };
  const stops = new Stops(logger);
  try {
    return await run(asked, { ...core, log }, signals, stops);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    return exitCode(error, logger);
  } finally {
    await stops.run();
  }
}

/** What the command line asks for, read. */
interface Asked {
  readonly options: Options;
  readonly version: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly etcd: EtcdOptions;
  readonly plan: NetworkPlan;
  readonly disabled: readonly DataplaneFeature[];
}

type Core = EtcdParts & { readonly log: LogOptions };

/** From what can be seen from outside to the networks: what fails to open ends the start before anything is changed. */
async function run(asked: Asked, core: Core, signals: ProcessSignals, stops: Stops): Promise<number> {
  const { options, environment, version, plan } = asked;
  const { logger, clock } = core;
  const node = await nodeFacts(options, logger);
  const events = new EventLog(clock);
  const heartbeats = new Heartbeats(core);
  stops.add('heartbeats', () => {
    heartbeats.stop();
  });
  const notify = serviceManager(environment['NOTIFY_SOCKET'], logger);
  const daemonHealth = new DaemonHealth(clock);
  const health = { health: daemonHealth, heartbeats, notify };
  const heartbeat = heartbeats.opener();
  await openHealth(options, { ...core, ...health, tell: events.tell }, stops);
  const host = openHost({ ...core, heartbeat }, plan, signals.stop, stops);
  const storeTimes = new StoreTimes(clock);
  const { client, store } = openStore(asked.etcd, { ...core, observe: storeTimes.observe, heartbeat }, stops);
  const service = followService(
    {
      ...{ ...core, ...health, environment, pid: process.pid },
      reload: () => client.reload(),
      monotonicMicroseconds: () => process.hrtime.bigint() / 1_000n,
    },
    stops,
  );
  signals.hangup.addEventListener('hangup', service.onHangup);
  const live = new LiveNetworks(clock, events.tell);
  const endpoints = asked.etcd.endpoints.map(({ text }) => text);
  const shown = { ...core, ...health, live, events, node, options, version, endpoints };
  const prober = openProber(options, node, { ...core, heartbeat }, stops);
  await openOutside(plan, { ...shown, store: storeTimes, probes: probesOf(prober, options) }, stops);
  const statusFiles = new StatusFiles({
    ...{ ...core, daemonHealth, subnetDir: plan.subnetDir },
    envFiles: systemEnvFiles,
    identity: ownIdentity(),
  });
  stops.add('status files', () => statusFiles.stop());
  const probe = { prober, tell: events.tell };
  const shared = { ...sharedParts(asked, core), ...host, node, daemonHealth, heartbeats, live, probe };
  const own = ownParts(asked, core, { client, store }, signals.stop);
  const { onReady } = service;
  return runDaemon({ logger, notify, onReady, shared, own, store, statusFiles }, plan, signals.stop);
}

/** What all networks are made with, but for the host's kernel and who this node is. */
function sharedParts(
  { disabled }: Pick<Asked, 'disabled'>,
  core: Core,
): Omit<
  SharedParts,
  'kernel' | 'rules' | 'places' | 'node' | 'daemonHealth' | 'heartbeats' | 'live' | 'probe'
> {
  const cores = availableParallelism();
  const { logger } = core;
  return {
    ...core,
    backends: BACKENDS,
    envFiles: systemEnvFiles,
    pluginUses: recordedUses,
    newInstance: () => randomBytes(16).toString('hex'),
    cores,
    dataplane: (events) => new NativeDataplane({ events, logger, cores, disabled }),
  };
}

/** What each network has for itself. */
function ownParts(
  { options }: Pick<Asked, 'options'>,
  core: Core,
  { client, store }: ReturnType<typeof openStore>,
  signal: AbortSignal,
): (network: PlannedNetwork) => OwnParts {
  const stateDir = options['state-dir'];
  return ({ name, prefix }) => ({
    registry: new EtcdRegistry({ client, sharedClient: true, prefix, logger: core.logger }),
    openState: () => openState({ ...core, stateDir, network: name, prefix, signal }),
    removeState: () => removeFolder(stateDir, name),
    claimVni: (taken) => store.claimVni(prefix, taken, signal),
    releaseVni: () => store.releaseVni(prefix),
  });
}
