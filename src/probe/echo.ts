// The interface of what sends ICMP echo requests and receives what comes of them. NativeEchoSocket (native-echo.ts) and
// the tests' FakeEchoSocket pass one contract suite. What is in a payload is payload.ts.

import type { Ip } from '../subnet/cidr.js';

export interface EchoRequest {
  readonly destination: Ip;
  /** The kernel's choice unless given; an address of this host. */
  readonly source?: Ip;
  /** 16 bits. */
  readonly sequence: number;
  /** Of the whole IP packet, in bytes; raised to what headers (28) and payload need. Sent with DF. */
  readonly length: number;
  /** 64 bytes at the most, beginning with the magic; zeros follow. */
  readonly payload: Uint8Array;
}

/**
 * - `reply`: to a request of ours.
 * - `request`: somebody's with the magic; the kernel answers it.
 * - `too-big`, `unreachable`: an ICMP error about a request of ours.
 */
export type EchoKind = 'reply' | 'request' | 'too-big' | 'unreachable';

export interface EchoReceived {
  readonly kind: EchoKind;
  readonly ttl: number;
  /** Who sent it. */
  readonly source: Ip;
  /** Our own address; of an error: where the request went to. */
  readonly destination: Ip;
  readonly sequence: number;
  /** Of the whole IP packet; of an error: of the request, as the router saw it. */
  readonly length: number;
  /** Of a `too-big`; 0 where the router does not say. */
  readonly mtu: number;
  /** On the clock of send(). */
  readonly atMs: number;
  /** The beginning of the payload, 64 bytes at the most; of an error: what the router quotes. Anybody's bytes. */
  readonly payload: Uint8Array;
}

export interface EchoListener {
  received(packet: EchoReceived): void;
  /** Nothing is received any more. */
  failed(error: EchoError): void;
}

export interface EchoSocket {
  /** Who hears of what comes in, from now on. */
  listen(listener: EchoListener): void;
  /**
   * Sends without waiting; milliseconds on a clock that goes on while the program stands still, to be compared with
   * `atMs`. Throws EchoError.
   */
  send(request: EchoRequest): number;
  /** Packets of the probe that came faster than they are handed on. */
  dropped(): number;
  /** May be repeated; nothing is heard after it. */
  close(): void;
}

/** `code` is the errno's name: EPERM (no CAP_NET_RAW) when it is opened; EMSGSIZE, EAGAIN, ENETUNREACH, … of a send. */
export class EchoError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'EchoError';
    this.code = code;
  }
}
