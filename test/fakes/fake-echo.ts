// A network of fake echo sockets: hosts answer at their addresses as a kernel does, ours hear requests, and a test says
// which packets get through.

import type { Clock } from '../../src/clock.js';
import {
  EchoError,
  type EchoKind,
  type EchoListener,
  type EchoReceived,
  type EchoRequest,
  type EchoSocket,
} from '../../src/probe/echo.js';
import type { Ip } from '../../src/subnet/cidr.js';

/** One packet on its way. */
export interface FakePacket {
  readonly from: Ip;
  readonly to: Ip;
  /** Of the IP packet, in bytes. */
  readonly length: number;
}

/** What becomes of a packet: `too-big` as a router says it, with the MTU. */
export type Fate = 'passes' | 'lost' | { readonly tooBig: number };

const SMALLEST = 28;

export class FakeEchoNet {
  /** Asked for each packet, requests and replies alike. */
  fate: (packet: FakePacket) => Fate = () => 'passes';
  /** Every request that was sent. */
  readonly sent: FakePacket[] = [];
  /** Of every interface: what is longer is not sent. */
  interfaceMtu = 1500;
  /** One way, in milliseconds. */
  delayMs = 1;
  readonly #clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly #hosts = new Map<Ip, FakeEchoSocket | undefined>();

  constructor(clock: Pick<Clock, 'after' | 'monotonic'>) {
    this.#clock = clock;
  }

  /** A host whose kernel answers at these addresses, and nobody listens. */
  addSilentHost(...addresses: Ip[]): void {
    for (const address of addresses) this.#hosts.set(address, undefined);
  }

  /** A host with a socket open on it. The first address is the kernel's choice of a source. */
  addHost(...addresses: Ip[]): FakeEchoSocket {
    const socket = new FakeEchoSocket(this, () => this.#clock.monotonic());
    for (const address of addresses) socket.addAddress(address);
    return socket;
  }

  /** Called by a socket. */
  attach(address: Ip, socket: FakeEchoSocket): void {
    this.#hosts.set(address, socket);
  }

  /** Called by a socket. */
  request(socket: FakeEchoSocket, source: Ip, { destination, sequence, length, payload }: EchoRequest): void {
    const packet = { from: source, to: destination, length: Math.max(length, SMALLEST + payload.length) };
    if (packet.length > this.interfaceMtu) throw new EchoError('EMSGSIZE', 'larger than the interface takes');
    this.sent.push(packet);
    const common = { ttl: 64, sequence, length: packet.length, mtu: 0, payload: payload.slice(0, 64) };
    this.#carry(packet, (fate) => {
      if (fate === 'lost' || !this.#hosts.has(destination)) return;
      if (fate !== 'passes') {
        socket.hear({ ...common, kind: 'too-big', source: destination, destination, mtu: fate.tooBig });
        return;
      }
      if (hasMagic(payload))
        this.#hosts.get(destination)?.hear({ ...common, kind: 'request', source, destination });
      const reply = { from: destination, to: source, length: packet.length };
      this.#carry(reply, (back) => {
        if (back === 'passes' && hasMagic(payload))
          socket.hear({ ...common, kind: 'reply', source: destination, destination: source });
      });
    });
  }

  #carry(packet: FakePacket, arrive: (fate: Fate) => void): void {
    this.#clock.after(this.delayMs, () => {
      arrive(this.fate(packet));
    });
  }
}

const hasMagic = (payload: Uint8Array): boolean => Buffer.from(payload.subarray(0, 4)).toString() === 'flP1';

export class FakeEchoSocket implements EchoSocket {
  /** What sends throw, by the destination. */
  readonly refused = new Map<Ip, string>();
  closed = 0;
  readonly #net: FakeEchoNet;
  readonly #addresses: Ip[] = [];
  readonly #now: () => number;
  #listener: EchoListener | undefined;

  constructor(net: FakeEchoNet, now: () => number) {
    this.#net = net;
    this.#now = now;
  }

  /** Another address of its host. */
  addAddress(address: Ip): void {
    this.#addresses.push(address);
    this.#net.attach(address, this);
  }

  listen(listener: EchoListener): void {
    this.#listener = listener;
  }

  send(request: EchoRequest): number {
    if (this.closed > 0) throw new EchoError('EBADF', 'closed');
    const code = this.refused.get(request.destination);
    if (code !== undefined) throw new EchoError(code, 'refused by the test');
    const source = request.source ?? this.#addresses[0];
    if (source === undefined || !this.#addresses.includes(source))
      throw new EchoError('EINVAL', 'no address of this host');
    this.#net.request(this, source, request);
    return this.#now();
  }

  /** Hands in a packet: from the net, or forged by a test. */
  hear(packet: Omit<EchoReceived, 'atMs'> & { readonly kind: EchoKind }): void {
    if (this.closed === 0) this.#listener?.received({ ...packet, atMs: this.#now() });
  }

  /** It receives nothing any more. */
  fail(): void {
    this.#listener?.failed(new EchoError('ERECEIVE', 'deaf, says the test'));
  }

  dropped(): number {
    return 0;
  }

  close(): void {
    this.closed++;
  }
}
