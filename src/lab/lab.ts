// One lab: a wire with an address of its own (where etcd runs), hosts on it, pods behind them, and every
// process in them. Closing it ends exactly these. It sets up places; what runs in them is others' business.

import { Host } from './host.js';
import { Namespace, Station, hold } from './namespace.js';
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
const MAX_STATION = 253;
/** What a host's eth0 loses when it is taken down, as arguments of `ip`. */
export const DEFAULT_ROUTE = `route add default via ${WIRE_ADDRESS}`;

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
    const holder = await hold(this.processes, `host${number}`, true);
    const host = new Host(holder, `${PREFIX}.${number}`, this.#mtu);
    this.#hosts.push(host);
    await this.#plug(host);
    return host;
  }

  /** A station that is no host, with eth0 at 192.168.50.`number` (201 to 253) and a name of its own, 15 characters at most. */
  async addStation(name: string, number: number): Promise<Station> {
    if (number <= MAX_HOSTS || number > MAX_STATION)
      throw new RangeError(`station number ${number}: must be from ${MAX_HOSTS + 1} to ${MAX_STATION}`);
    const station = new Station(await hold(this.processes, name, true), `${PREFIX}.${number}`);
    await this.#plug(station);
    return station;
  }

  get #mtu(): number {
    return this.#options.mtu ?? 1500;
  }

  /** The port of a station on the wire has the station's name. */
  async #plug(station: Station): Promise<void> {
    const { name, pid, address } = station;
    await this.wire.ip([
      `link add ${name} mtu ${this.#mtu} type veth peer name eth0 mtu ${this.#mtu} netns ${pid}`,
      `link set ${name} master br0`,
      `link set ${name} up`,
    ]);
    const route = this.#options.defaultRoute === false ? [] : [DEFAULT_ROUTE];
    await station.ip([`address add ${address}/24 dev eth0`, 'link set eth0 up', ...route]);
  }

  /** Kills every process of the lab and awaits them; with the last, its namespaces are gone. Safe to repeat. */
  close(): Promise<void> {
    this.#closing ??= this.processes.close();
    return this.#closing;
  }
}
