// Whole networks over fakes, for tests of flanneld/network.ts: several nodes in one process, one store, a kernel and,
// where the backend needs one, a packet engine each.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { BACKENDS } from '../../src/backends/index.js';
import { Counters } from '../../src/counters.js';
import type { NetworkOptions } from '../../src/flanneld/network-options.js';
import { runNetwork } from '../../src/flanneld/run-network.js';
import { systemEnvFiles } from '../../src/flanneld/subnet-env.js';
import { LiveNetworks } from '../../src/flanneld/live-networks.js';
import { HostPlaces } from '../../src/flanneld/host-places.js';
import { DaemonHealth } from '../../src/health/daemon-health.js';
import type { DataplaneErrorCode, DataplaneEvents } from '../../src/kernel/dataplane.js';
import type { OpenHeartbeat } from '../../src/heartbeat.js';
import { DEFAULT_TERMS } from '../../src/subnet/lease-manager.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeDataplane } from '../fakes/fake-dataplane.js';
import { FakeKernel } from '../fakes/fake-kernel.js';
import { FakeRegistry } from '../fakes/fake-registry.js';
import type { FakeStateFolder } from '../fakes/fake-state.js';
import { FakeStore } from '../fakes/fake-registry-store.js';
import { RecordingLogger } from './recording-logger.js';

export const CONFIG = '/coreos.com/network/config';

export interface Node {
  readonly kernel: FakeKernel;
  readonly logger: RecordingLogger;
  readonly counters: Counters;
  readonly registry: FakeRegistry;
  readonly health: DaemonHealth;
  readonly file: string;
  /** The engine, once the network has built it. */
  readonly dataplane: () => FakeDataplane;
  /** Makes the engine refuse, from its building on. */
  readonly refuse: (code: DataplaneErrorCode, times: number) => void;
  readonly ready: () => boolean;
  readonly ended: Promise<unknown>;
  readonly stop: () => Promise<unknown>;
}

export interface Cluster {
  readonly clock: FakeClock;
  readonly store: FakeStore;
  /** Starts a node with this last byte of its address; a kernel given is one of an earlier life. */
  readonly start: (
    host: number,
    life?: {
      kernel?: FakeKernel;
      options?: Partial<NetworkOptions>;
      withoutEngine?: boolean;
      /** What outlives the daemon. */
      folder?: FakeStateFolder;
      bootId?: string;
      /** The store cannot be reached at first. */
      away?: boolean;
      heartbeat?: OpenHeartbeat;
    },
  ) => Promise<Node>;
}

export async function cluster(t: ExecutionContext): Promise<Cluster> {
  const clock = new FakeClock();
  const store = new FakeStore(clock);
  const folder = await mkdtemp(join(tmpdir(), 'flanneld-network-'));
  t.teardown(async () => {
    store.close();
    await rm(folder, { recursive: true });
  });
  let instances = 0;
  const start: Cluster['start'] = (
    host,
    {
      kernel = freshKernel(host),
      options = {},
      withoutEngine,
      folder: disk,
      bootId = 'boot',
      away,
      heartbeat,
    } = {},
  ) => {
    const [logger, counters, abort] = [new RecordingLogger(), new Counters(), new AbortController()];
    const registry = new FakeRegistry(store, { clock });
    const health = new DaemonHealth(clock);
    if (away === true) registry.disconnect('the store is away');
    const file = join(folder, `host${host}`, 'subnet.env');
    let ready = false;
    let engine: FakeDataplane | undefined;
    const refusals: [DataplaneErrorCode, number][] = [];
    const dataplane = (events: DataplaneEvents): FakeDataplane => {
      engine = new FakeDataplane({ kernel, events });
      for (const [code, times] of refusals) engine.failNext(code, times);
      return engine;
    };
    const parts = {
      ...{ registry, kernel, clock, random: Math.random, logger, counters, backends: BACKENDS, cores: 2 },
      envFiles: systemEnvFiles,
      health: health.open('network'),
      places: new HostPlaces(),
      node: { nodeId: `node-${host}`, host: `host${host}`, bootId },
      newInstance: () => `instance-${++instances}`,
      ...(disk && { openState: () => disk.open({ prefix: '/coreos.com/network', clock, logger, counters }) }),
      ...(withoutEngine !== true && { dataplane }),
      ...(heartbeat && { heartbeat }),
      live: new LiveNetworks(clock).open({
        name: 'network',
        prefix: '/coreos.com/network',
        subnetFiles: [file],
      }),
    };
    const wishes = { iface: ['eth0'], ifaceRegex: [], canReach: '', publicIp: '' };
    const network = {
      name: 'network',
      prefix: '/coreos.com/network',
      terms: DEFAULT_TERMS,
      onLeaseLost: 'exit' as const,
      releaseOnExit: false,
      subnetFiles: [file] as const,
      rules: { ipMasq: false, fullyRandom: true, forward: false, filter: 'off', resyncSeconds: 5 } as const,
      blackhole: false,
      wishes,
      onReady: () => {
        ready = true;
      },
      ...options,
    };
    const ended = runNetwork(parts, network, abort.signal).catch((error: unknown) => error);
    const stop = async (): Promise<unknown> => {
      abort.abort();
      const result = await ended;
      registry.close();
      return result;
    };
    t.teardown(stop);
    const built = (): FakeDataplane => {
      if (engine === undefined) throw new Error('the network has built no packet engine');
      return engine;
    };
    return Promise.resolve({
      ...{ kernel, logger, counters, registry, health, file, ended, stop, dataplane: built },
      refuse: (code: DataplaneErrorCode, times: number) => refusals.push([code, times]),
      ready: () => ready,
    });
  };
  return { clock, store, start };
}

export function freshKernel(host: number): FakeKernel {
  const kernel = new FakeKernel();
  kernel.addLink({ name: 'eth0', mac: `02:00:00:00:00:0${host}`, addresses: [`192.168.50.${host}/24`] });
  return kernel;
}

/** Env files are real, so that real time must pass too: the fake clock creeps on until the condition holds. */
export async function until({ clock }: Cluster, what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await clock.advance(10);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
