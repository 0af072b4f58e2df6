// A host on the wire and the pods behind it: devices, addresses, routes. Pods hang on a bridge cni0 with
// the host's own address, as the usual network plugin would set them up from subnet.env.
// Starts no daemon.

import { addressInSubnet, parseSubnetEnv, type SubnetEnv } from './subnet-env.js';
import { Namespace, Station, hold, type Holder } from './namespace.js';

export const SUBNET_FILE = '/run/flannel/subnet.env';
const BRIDGE = 'cni0';

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

  constructor(holder: Holder, address: string, mtu: number) {
    super(holder, address);
    this.mtu = mtu;
  }

  get pods(): readonly Pod[] {
    return this.#pods;
  }

  /** What the host's flanneld has written; rejects while there is no whole file. */
  async subnetEnv(): Promise<SubnetEnv> {
    return parseSubnetEnv(await this.readFile(SUBNET_FILE));
  }

  /** A pod with the next address of the subnet, the MTU of subnet.env, and its default route through the host. */
  async addPod(): Promise<Pod> {
    const env = await this.subnetEnv();
    const number = this.#pods.length + 1;
    const address = addressInSubnet(env.subnet, number + 1);
    const length = env.subnet.split('/')[1] ?? '24';
    if (number === 1) await this.#addBridge(env);
    const holder = await hold(this.processes, `${this.name}-pod${number}`, false);
    const pod = new Pod(holder, this, address);
    const port = `pod${number}`;
    await this.ip([
      `link add ${port} mtu ${env.mtu} type veth peer name eth0 mtu ${env.mtu} netns ${pod.pid}`,
      `link set ${port} master ${BRIDGE}`,
      `link set ${port} up`,
    ]);
    await pod.readdress(address, length, addressInSubnet(env.subnet, 1));
    this.#pods.push(pod);
    return pod;
  }

  /** Moves bridge and pods into the subnet that subnet.env names now, as a network plugin would make them anew. */
  async movePods(): Promise<void> {
    const { subnet } = await this.subnetEnv();
    const length = subnet.split('/')[1] ?? '24';
    await this.ip([`address flush dev ${BRIDGE}`, `address add ${subnet} dev ${BRIDGE}`]);
    for (const [index, pod] of this.#pods.entries())
      await pod.readdress(addressInSubnet(subnet, index + 2), length, addressInSubnet(subnet, 1));
  }

  async #addBridge(env: SubnetEnv): Promise<void> {
    await this.ip([
      `link add ${BRIDGE} mtu ${env.mtu} type bridge`,
      `address add ${env.subnet} dev ${BRIDGE}`,
      `link set ${BRIDGE} up`,
    ]);
  }
}
