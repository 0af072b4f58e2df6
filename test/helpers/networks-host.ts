// One host with all its networks over fakes, for tests of flanneld/networks.ts: one store, one kernel, a registry a
// network; env and status files in memory.

import type { ExecutionContext } from 'ava';
import { EventLog } from '../../src/api/events.js';
import { BACKENDS } from '../../src/backends/index.js';
import { Counters } from '../../src/counters.js';
import { LiveNetworks } from '../../src/flanneld/live-networks.js';
import { HostPlaces } from '../../src/flanneld/host-places.js';
import { parseCommandLine } from '../../src/flanneld/cli.js';
import { LiveView, NO_PROBES } from '../../src/flanneld/daemon-view.js';
import type { Options } from '../../src/flanneld/flags.js';
import { networkPlan } from '../../src/flanneld/network-options.js';
import { Networks } from '../../src/flanneld/networks.js';
import { probesOf } from '../../src/flanneld/compose-host.js';
import { StatusFiles } from '../../src/flanneld/status-files.js';
import { DaemonHealth } from '../../src/health/daemon-health.js';
import type { NetworkReport } from '../../src/health/network-health.js';
import type { Prober, ProberParts } from '../../src/probe/prober.js';
import { parseNetworkStatus, type NetworkStatus } from '../../src/network-status.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeEnvFiles } from '../fakes/fake-env-files.js';
import { FakeKernel } from '../fakes/fake-kernel.js';
import { FakeNetworkStore } from '../fakes/fake-network-store.js';
import { FakeRegistry } from '../fakes/fake-registry.js';
import { FakeStore } from '../fakes/fake-registry-store.js';
import { RecordingLogger } from './recording-logger.js';

export interface NetworksHost {
  readonly kernel: FakeKernel;
  readonly logger: RecordingLogger;
  readonly counters: Counters;
  readonly envFiles: FakeEnvFiles;
  readonly networkStore: FakeNetworkStore;
  readonly places: HostPlaces;
  /** What the daemon shows of itself. */
  readonly view: LiveView;
  readonly live: LiveNetworks;
  readonly events: EventLog;
  /** What a plugin has recorded, by env file. */
  readonly uses: Map<string, string[]>;
  /** Networks whose state folder was removed. */
  readonly forgotten: string[];
  readonly readyTold: () => boolean;
  readonly report: (network: string) => NetworkReport | undefined;
  readonly status: (network: string) => NetworkStatus | undefined;
  /** The reasons of a network's state, as codes. */
  readonly codes: (network: string) => string;
  readonly ended: Promise<unknown>;
  readonly stop: () => Promise<unknown>;
}

export interface NetworksScene {
  readonly clock: FakeClock;
  readonly store: FakeStore;
  /** Starts a host with this last byte of its address; the kernel and files given are those of an earlier life. */
  readonly start: (
    host: number,
    argv: readonly string[],
    before?: { readonly kernel: FakeKernel; readonly envFiles: FakeEnvFiles },
  ) => NetworksHost;
  /** Lets time pass until the condition holds. */
  readonly until: (what: string, condition: () => boolean) => Promise<void>;
}

/** Builds the mesh probe of a host with this last byte of its address; without it there is none. */
export type MakeProber = (
  host: number,
  parts: Pick<ProberParts, 'clock' | 'random' | 'logger' | 'counters'>,
) => Prober;

export function networksScene(t: ExecutionContext, makeProber?: MakeProber): NetworksScene {
  const clock = new FakeClock();
  const store = new FakeStore(clock);
  t.teardown(() => {
    store.close();
  });
  return {
    clock,
    store,
    start: (host, argv, before) => startHost(t, { clock, store, makeProber }, host, optionsOf(argv), before),
    until: async (what, condition) => {
      for (let turns = 0; !condition(); turns++) {
        if (turns > 40_000) throw new Error(`waited in vain for ${what}`);
        await clock.advance(turns < 2_000 ? 10 : 1_000);
      }
    },
  };
}

function optionsOf(argv: readonly string[]): Options {
  const invocation = parseCommandLine(['-iface=eth0', '-peer-filter=off', ...argv], {});
  if (invocation.action !== 'run') throw new Error('the command line asks for something else');
  return invocation.options;
}

let lives = 0;

function startHost(
  t: ExecutionContext,
  {
    clock,
    store,
    makeProber,
  }: Pick<NetworksScene, 'clock' | 'store'> & { readonly makeProber: MakeProber | undefined },
  number: number,
  options: Options,
  before: { readonly kernel: FakeKernel; readonly envFiles: FakeEnvFiles } | undefined,
): NetworksHost {
  const [logger, counters, health] = [new RecordingLogger(), new Counters(), new DaemonHealth(clock)];
  const plan = networkPlan(options);
  const kernel = before?.kernel ?? freshKernel(number);
  const events = new EventLog(clock);
  const live = new LiveNetworks(clock, events.tell);
  const envFiles = before?.envFiles ?? new FakeEnvFiles();
  const networkStore = new FakeNetworkStore(store);
  const places = new HostPlaces();
  const uses = new Map<string, string[]>();
  const forgotten: string[] = [];
  const abort = new AbortController();
  let ready = false;
  const prober = makeProber?.(number, { clock, random: Math.random, logger, counters });
  prober?.start();
  t.teardown(() => {
    prober?.stop();
  });
  const shared = {
    ...(prober === undefined ? {} : { probe: { prober, tell: events.tell } }),
    ...{ kernel, clock, logger, counters, envFiles, places, backends: BACKENDS, cores: 2 },
    random: Math.random,
    daemonHealth: health,
    live,
    node: { nodeId: `node-${number}`, host: `host${number}`, bootId: 'boot' },
    newInstance: () => `instance-${++lives}`,
    pluginUses: (file: string) => Promise.resolve(uses.get(file) ?? []),
  };
  const { subnetDir } = plan;
  const view = new LiveView({
    ...{ clock, node: shared.node, options, health, live, events, counters },
    version: '1.2.3',
    pid: 1,
    endpoints: ['http://10.0.0.9:2379'],
    log: { verbosity: 0 },
    probes: prober === undefined ? NO_PROBES : probesOf(prober, options),
  });
  const identity = { pid: 1 };
  const statusFiles = new StatusFiles({ ...shared, daemonHealth: health, identity, subnetDir });
  const networks = new Networks(
    {
      shared,
      store: networkStore,
      statusFiles,
      own: ({ name, prefix }) => ({
        registry: new FakeRegistry(store, { clock, prefix }),
        claimVni: (taken) => networkStore.claimVni(prefix, taken),
        releaseVni: () => networkStore.releaseVni(prefix),
        removeState: () => {
          forgotten.push(name);
          return Promise.resolve();
        },
      }),
      onReady: () => {
        ready = true;
      },
    },
    plan,
  );
  const ended = networks.run(abort.signal).catch((error: unknown) => error);
  const stop = async (): Promise<unknown> => {
    abort.abort();
    const result = await ended;
    await statusFiles.stop();
    return result;
  };
  t.teardown(stop);
  const report = (network: string): NetworkReport | undefined =>
    health.report().networks.find(({ name }) => name === network);
  return {
    ...{
      kernel,
      logger,
      counters,
      envFiles,
      networkStore,
      places,
      uses,
      forgotten,
      ended,
      stop,
      report,
      view,
      live,
      events,
    },
    readyTold: () => ready,
    codes: (network) => (report(network)?.reasons ?? []).map(({ code }) => code).join(' '),
    status: (network) => parseNetworkStatus(envFiles.text(`${subnetDir}/${network}.status.json`) ?? ''),
  };
}

function freshKernel(host: number): FakeKernel {
  const kernel = new FakeKernel();
  kernel.addLink({ name: 'eth0', mac: `02:00:00:00:00:0${host}`, addresses: [`192.168.50.${host}/24`] });
  return kernel;
}
