// One life of a daemon on a simulated host: the real network code over what the host has, until it is stopped, killed,
// or ends by itself. What the host keeps from one life to the next is sim-host.ts.

import { BACKENDS } from '../../src/backends/index.js';
import { Counters } from '../../src/counters.js';
import type { NetworkOptions } from '../../src/flanneld/network-options.js';
import type { NodeFacts, NetworkParts } from '../../src/flanneld/network-setup.js';
import { LiveNetworks } from '../../src/flanneld/live-networks.js';
import { HostPlaces } from '../../src/flanneld/host-places.js';
import { runNetwork } from '../../src/flanneld/run-network.js';
import { DaemonHealth } from '../../src/health/daemon-health.js';
import type { DataplaneEvents } from '../../src/kernel/dataplane.js';
import type { Logger } from '../../src/logger.js';
import type { Random } from '../../src/clock.js';
import { DEFAULT_TERMS } from '../../src/subnet/lease-manager.js';
import { FakeDataplane } from '../fakes/fake-dataplane.js';
import type { FakeEnvFiles } from '../fakes/fake-env-files.js';
import type { FakeKernel } from '../fakes/fake-kernel.js';
import type { FakeRegistry } from '../fakes/fake-registry.js';
import type { FakeStateFolder } from '../fakes/fake-state.js';
import { Belief } from './belief.js';
import { Gate } from './gate.js';
import type { HostClock } from './host-clock.js';
import { PREFIX } from './stored.js';

export const SUBNET_FILE = '/run/flannel/subnet.env';

export interface LifeParts {
  readonly clock: HostClock;
  readonly kernel: FakeKernel;
  readonly registry: FakeRegistry;
  readonly envFiles: FakeEnvFiles;
  readonly folder: FakeStateFolder;
  readonly node: NodeFacts;
  /** Which life of the host's daemon it is. */
  readonly instance: string;
  readonly random: Random;
  readonly logger: Logger;
}

export class Life {
  readonly belief = new Belief();
  readonly counters = new Counters();
  readonly health: DaemonHealth;
  readonly registry: FakeRegistry;
  /** Resolves when the network has ended by itself or by stop(), to its error; never after a kill. */
  readonly ended: Promise<unknown>;
  readonly #parts: LifeParts;
  readonly #gate: Gate;
  readonly #abort = new AbortController();
  #engine: FakeDataplane | undefined;
  #ready = false;

  constructor(parts: LifeParts) {
    this.#parts = parts;
    this.registry = parts.registry;
    this.health = new DaemonHealth(parts.clock);
    this.#gate = new Gate(parts.clock);
    const running = runNetwork(this.#setupParts(), this.#options(), this.#abort.signal);
    this.ended = running.then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  /** Whether the network has said that pods can use it. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** The destinations its packet engine carries to; none where the kernel carries. */
  get engineRoutes(): readonly string[] {
    return this.#engine?.routes() ?? [];
  }

  /** A clean stop; resolves when it is done. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.ended;
    this.#leave();
  }

  /** SIGKILL: in the middle of whatever it does. The kernel closes what it had open. */
  kill(): void {
    this.#leave();
    this.#parts.folder.kill();
    this.#engine?.close();
  }

  /** It has ended, one way or the other: nothing of it is left. */
  #leave(): void {
    this.#gate.close();
    this.#parts.clock.dropTimers();
    this.registry.close();
  }

  #setupParts(): NetworkParts {
    const { clock, kernel, registry, envFiles, folder, node, instance, random, logger } = this.#parts;
    const { counters } = this;
    return {
      registry: this.#gate.through(registry, this.belief.overhear),
      kernel: this.#gate.through(kernel),
      envFiles: this.#gate.through(envFiles),
      clock,
      random,
      logger,
      counters,
      health: this.health.open('network'),
      live: new LiveNetworks(clock).open({ name: 'network', prefix: PREFIX, subnetFiles: [SUBNET_FILE] }),
      places: new HostPlaces(),
      node,
      newInstance: () => instance,
      openState: async () =>
        this.#gate.through(await folder.open({ prefix: PREFIX, clock, logger, counters })),
      backends: BACKENDS,
      cores: 2,
      dataplane: (events: DataplaneEvents) => (this.#engine = new FakeDataplane({ kernel, events })),
    };
  }

  #options(): NetworkOptions {
    return {
      name: 'network',
      prefix: PREFIX,
      terms: DEFAULT_TERMS,
      onLeaseLost: 'exit',
      releaseOnExit: false,
      subnetFiles: [SUBNET_FILE],
      rules: { ipMasq: false, fullyRandom: true, forward: false, filter: 'off', resyncSeconds: 5 },
      blackhole: false,
      wishes: { iface: ['eth0'], ifaceRegex: [], canReach: '', publicIp: '' },
      onReady: () => {
        this.#ready = true;
      },
    };
  }
}
