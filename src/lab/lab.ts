// One lab: a wire with an address of its own (where etcd runs), hosts on it, pods behind them, and every
// process in them. Closing it ends exactly these. It sets up places; what runs in them is others' business.

import { Host } from './host.js';
import { Namespace, hold } from './namespace.js';
import { Processes } from './processes.js';

export interface LabOptions {
  /** MTU of the wire and of every host's eth0; 1500 unless told. */
  readonly mtu?: number;
  /** Whether hosts get a default route through the wire (what a flanneld without -iface looks for). */
  readonly defaultRoute?: boolean;
}

const PREFIX = '192.168.50';
const WIRE_ADDRESS = `${PREFIX}.254`;
const MAX_HOSTS = 200;

/**
 *   host1 eth0 192.168.50.1 ─┐
 *   host2 eth0 192.168.50.2 ─┼─ br0 192.168.50.254 (the wire; etcd listens here)
 *   host3 eth0 192.168.50.3 ─┘
 */
export class Lab {
  readonly wire: Namespace;
  readonly wireAddress = WIRE_ADDRESS;
  readonly processes: Processes;
  readonly #options: LabOptions;
  readonly #hosts: Host[] = [];
  #closing: Promise<void> | undefined;

  private constructor(processes: Processes, wire: Namespace, options: LabOptions) {
    this.processes = processes;
    this.wire = wire;
    this.#options = options;
  }

  /**
   * Makes the wire. Needs root; rejects with what the tool said when that is missing. A caller that may be
   * interrupted in between passes the `processes` it can close by itself.
   */
  static async create(options: LabOptions = {}, processes = new Processes()): Promise<Lab> {
    try {
      const wire = new Namespace(await hold(processes, 'wire', true));
      await wire.ip([
        `link add br0 mtu ${options.mtu ?? 1500} type bridge`,
        `address add ${WIRE_ADDRESS}/24 dev br0`,
        'link set br0 up',
      ]);
      return new Lab(processes, wire, options);
    } catch (error) {
      await processes.close();
      throw error;
    }
  }

  get hosts(): readonly Host[] {
    return this.#hosts;
  }

  /** The next host, `host1`, `host2`, …, with eth0 at 192.168.50.N/24. */
  async addHost(): Promise<Host> {
    const number = this.#hosts.length + 1;
    if (number > MAX_HOSTS) throw new RangeError(`a lab holds at most ${MAX_HOSTS} hosts`);
    const mtu = this.#options.mtu ?? 1500;
    const address = `${PREFIX}.${number}`;
    const host = new Host(await hold(this.processes, `host${number}`, true), address, mtu);
    this.#hosts.push(host);
    await this.wire.ip([
      `link add host${number} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${host.pid}`,
      `link set host${number} master br0`,
      `link set host${number} up`,
    ]);
    const route = this.#options.defaultRoute === false ? [] : [`route add default via ${WIRE_ADDRESS}`];
    await host.ip([`address add ${address}/24 dev eth0`, 'link set eth0 up', ...route]);
    return host;
  }

  /** Kills every process of the lab and awaits them; with the last, its namespaces are gone. Safe to repeat. */
  close(): Promise<void> {
    this.#closing ??= this.processes.close();
    return this.#closing;
  }
}
