// A host on the wire and the pods behind it: devices, addresses, routes. Pods hang on a bridge cni0 with
// the host's own address, as the usual network plugin would set them up from subnet.env.
// Starts no daemon.

import { addressInSubnet, parseSubnetEnv, type SubnetEnv } from './subnet-env.js';
import { Namespace, Station, hold, type Holder } from './namespace.js';

export const SUBNET_FILE = '/run/flannel/subnet.env';
const BRIDGE = 'cni0';

/** Where pods hang that are to be on a network. */
export interface PodNetwork {
  /** The env file of its flanneld. */
  readonly file: string;
  readonly bridge: string;
  /** What it is called inside of a pod. */
  readonly ifname: string;
}

const USUAL: PodNetwork = { file: SUBNET_FILE, bridge: BRIDGE, ifname: 'eth0' };

/** A network that a daemon runs by a name: its env file, and a bridge of its own. */
export function namedNetwork(name: string, ifname = 'eth0'): PodNetwork {
  return { file: `/run/flannel/networks/${name}.env`, bridge: `br-${name}`, ifname };
}

/** A place behind a host, with one address of the host's subnet. */
export class Pod extends Namespace {
  readonly host: Host;
  #address: string;

  constructor(holder: Holder, host: Host, address: string) {
    super(holder);
    this.host = host;
    this.#address = address;
  }

  get address(): string {
    return this.#address;
  }

  /** Gives it `address`/`length` alone, with `gateway` as its default route. */
  async readdress(address: string, length: string, gateway: string): Promise<void> {
    await this.ip([
      'address flush dev eth0',
      `address add ${address}/${length} dev eth0`,
      'link set eth0 up',
      `route add default via ${gateway}`,
    ]);
    this.#address = address;
  }
}

/** A host with eth0 on the wire. */
export class Host extends Station {
  readonly mtu: number;
  readonly #pods: Pod[] = [];
  /** How many pods each bridge has. */
  readonly #ports = new Map<string, number>();

  constructor(holder: Holder, address: string, mtu: number) {
    super(holder, address);
    this.mtu = mtu;
  }

  get pods(): readonly Pod[] {
    return this.#pods;
  }

  /** What the host's flanneld has written; rejects while there is no whole file. */
  async subnetEnv(file = SUBNET_FILE): Promise<SubnetEnv> {
    return parseSubnetEnv(await this.readFile(file));
  }

  /** A pod with the next address of the subnet, the MTU of the env file, and its default route through the host. */
  async addPod(network: PodNetwork = USUAL): Promise<Pod> {
    const number = this.#pods.length + 1;
    const holder = await hold(this.processes, `${this.name}-pod${number}`, false);
    const pod = new Pod(holder, this, '');
    this.#pods.push(pod);
    const { env, address } = await this.#plug(pod, network);
    const length = env.subnet.split('/')[1] ?? '24';
    await pod.readdress(address, length, addressInSubnet(env.subnet, 1));
    return pod;
  }

  /** Puts a pod on one more network, whose range it reaches that way; returns its address there. */
  async attach(pod: Pod, network: PodNetwork): Promise<string> {
    const { env, address } = await this.#plug(pod, network);
    await pod.ip([
      `address add ${address}/${env.subnet.split('/')[1] ?? '24'} dev ${network.ifname}`,
      `link set ${network.ifname} up`,
      `route add ${env.network} via ${addressInSubnet(env.subnet, 1)} dev ${network.ifname}`,
    ]);
    return address;
  }

  /** A cable from the pod to the network's bridge, and the next address there. */
  async #plug(
    pod: Pod,
    { file, bridge, ifname }: PodNetwork,
  ): Promise<{ readonly env: SubnetEnv; readonly address: string }> {
    const env = await this.subnetEnv(file);
    const number = (this.#ports.get(bridge) ?? 0) + 1;
    this.#ports.set(bridge, number);
    if (number === 1) await this.#addBridge(env, bridge);
    const port = bridge === BRIDGE ? `pod${number}` : `${bridge.slice(0, 10)}p${number}`;
    await this.ip([
      `link add ${port} mtu ${env.mtu} type veth peer name ${ifname} mtu ${env.mtu} netns ${pod.pid}`,
      `link set ${port} master ${bridge}`,
      `link set ${port} up`,
    ]);
    return { env, address: addressInSubnet(env.subnet, number + 1) };
  }

  /** Moves bridge and pods into the subnet that subnet.env names now, as a network plugin would make them anew. */
  async movePods(): Promise<void> {
    const { subnet } = await this.subnetEnv();
    const length = subnet.split('/')[1] ?? '24';
    await this.ip([`address flush dev ${BRIDGE}`, `address add ${subnet} dev ${BRIDGE}`]);
    for (const [index, pod] of this.#pods.entries())
      await pod.readdress(addressInSubnet(subnet, index + 2), length, addressInSubnet(subnet, 1));
  }

  async #addBridge(env: SubnetEnv, bridge: string): Promise<void> {
    await this.ip([
      `link add ${bridge} mtu ${env.mtu} type bridge`,
      `address add ${env.subnet} dev ${bridge}`,
      `link set ${bridge} up`,
    ]);
  }
}
