// VXLAN over node's dgram (RFC 7348): frames in, frames out, for tests and captures; no device and no kernel module.
// Strict: a header with anything in its reserved bits is none. What is in a frame is frames.ts.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const VXLAN_PORT = 8472;

export interface VxlanPacket {
  /** 24 bits. */
  readonly vni: number;
  /** The inner Ethernet frame. */
  readonly frame: Uint8Array;
}

const HEADER = 8;
const ETHERNET = 14;
const HAS_VNI = 0x08;

/** Throws RangeError for a VNI that is none. */
export function writeVxlan({ vni, frame }: VxlanPacket): Buffer {
  if (!Number.isInteger(vni) || vni < 0 || vni > 0xff_ffff) throw new RangeError(`${vni} is no VNI`);
  const header = Buffer.alloc(HEADER);
  header[0] = HAS_VNI;
  header.writeUIntBE(vni, 4, 3);
  return Buffer.concat([header, frame]);
}

/** What a UDP payload carries; undefined for anything but a VXLAN header and an Ethernet frame after it. */
export function readVxlan(bytes: Uint8Array): VxlanPacket | undefined {
  if (bytes.length < HEADER + ETHERNET) return undefined;
  const [flags, ...reserved] = bytes.subarray(0, 4);
  if (flags !== HAS_VNI || bytes[7] !== 0 || reserved.some((byte) => byte !== 0)) return undefined;
  const vni = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4) >>> 8;
  return { vni, frame: bytes.subarray(HEADER) };
}

export type VxlanListener = (packet: VxlanPacket, from: string) => void;

/** A VTEP in a program: sends and receives VXLAN packets at a UDP port. */
export class DgramVxlan {
  readonly #socket: Socket;
  /** Datagrams at the port that are no VXLAN packets. */
  refused = 0;

  /** Opens the port, any free one for 0, on all addresses; rejects when it is taken. */
  static async open(listener: VxlanListener, port = VXLAN_PORT): Promise<DgramVxlan> {
    const socket = createSocket('udp4');
    socket.bind(port);
    await once(socket, 'listening');
    return new DgramVxlan(socket, listener);
  }

  private constructor(socket: Socket, listener: VxlanListener) {
    this.#socket = socket;
    socket.on('message', (bytes, { address }) => {
      const packet = readVxlan(bytes);
      if (packet === undefined) this.refused++;
      else listener(packet, address);
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(packet: VxlanPacket, to: string, port = VXLAN_PORT): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(writeVxlan(packet), port, to, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  close(): void {
    this.#socket.close();
  }
}
