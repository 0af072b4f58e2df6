// What differs between backends in the control and the scale bench: how a host is made ready for invented peers, how
// it is seen that they are programmed, and what makes it cold again. One row a backend.

import type { Host } from '../src/lab/host.js';
import type { Lab } from '../src/lab/lab.js';
import { RouteObserver, type Observer } from './control-observers.js';
import { PEER_RANGE, type BackendName } from './control-peers.js';
import { PacketObserver } from './packet-observer.js';

interface ControlBackend {
  /** Arguments of `ip` that make the host ready: its peers are on the wire. */
  readonly prepare: readonly string[];
  /** Takes from it what a daemon has left in the kernel, as a reboot would. */
  readonly forget: (host: Host) => Promise<unknown>;
  /** Begins to look, for these numbers of peers to come. Before the daemon is started. */
  readonly observe: (lab: Lab, host: Host, counts: readonly number[]) => Promise<Observer>;
}

const ON_THE_WIRE = [`route add ${PEER_RANGE} dev eth0`];

export const CONTROL_BACKENDS: Readonly<Record<BackendName, ControlBackend>> = {
  vxlan: {
    prepare: [],
    forget: (host) => host.ip(['link del flannel.1']),
    observe: (_, host) => RouteObserver.start(host, 'flannel.1'),
  },
  'host-gw': {
    prepare: ON_THE_WIRE,
    forget: (host) => host.ip(['route flush proto 241']),
    observe: (_, host) => RouteObserver.start(host, 'eth0'),
  },
  udp: {
    prepare: ON_THE_WIRE,
    // Ours stays; a daemon that has it go with itself has left nothing to delete.
    forget: (host) => host.exec('ip', ['link', 'del', 'flannel0']),
    observe: async (lab, host, counts) =>
      PacketObserver.start(host, lab.hosts.find((other) => other !== host) ?? (await lab.addHost()), counts),
  },
};
