// The EchoSocket over the raw ICMP socket in C: addresses and records to values and back. IPv4 alone.

import { isNativeError, openEcho, type EchoHandle } from '../native.js';
import { bytesToIp, ipToBytes } from '../subnet/cidr.js';
import {
  EchoError,
  type EchoKind,
  type EchoListener,
  type EchoReceived,
  type EchoRequest,
  type EchoSocket,
} from './echo.js';

/** ECHO_RECORD and its layout: native/src/icmp/echo_socket.h. */
const RECORD = 96;
const PAYLOAD = 32;
const KINDS: readonly EchoKind[] = ['reply', 'request', 'too-big', 'unreachable'];
const ANY_SOURCE = new Uint8Array(4);

export interface NativeEchoOptions {
  /** 16 bits that no other program's requests have: replies to others are not seen. */
  readonly identifier: number;
  /** Path of a network namespace, for tests. */
  readonly netns?: string;
}

export class NativeEchoSocket implements EchoSocket {
  readonly #handle: EchoHandle;
  #listener: EchoListener | undefined;

  /** Throws EchoError: EPERM without CAP_NET_RAW. */
  static open(options: NativeEchoOptions): NativeEchoSocket {
    return new NativeEchoSocket(options);
  }

  private constructor(options: NativeEchoOptions) {
    this.#handle = orEchoError(() =>
      openEcho(options, (records, errno) => {
        if (records === undefined) this.#listener?.failed(deafness(errno));
        else this.#hand(records);
      }),
    );
  }

  listen(listener: EchoListener): void {
    this.#listener = listener;
  }

  send({ destination, source, sequence, length, payload }: EchoRequest): number {
    const from = source === undefined ? ANY_SOURCE : ipToBytes(source);
    return orEchoError(() => this.#handle.send(ipToBytes(destination), from, sequence, length, payload));
  }

  dropped(): number {
    return orEchoError(() => this.#handle.dropped());
  }

  close(): void {
    this.#handle.close();
  }

  #hand(records: Uint8Array): void {
    for (let start = 0; start + RECORD <= records.length; start += RECORD) {
      const packet = readRecord(records.subarray(start, start + RECORD));
      if (packet !== undefined) this.#listener?.received(packet);
    }
  }
}

function readRecord(record: Uint8Array): EchoReceived | undefined {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const kind = KINDS[view.getUint8(0)];
  if (kind === undefined) return undefined;
  return {
    kind,
    ttl: view.getUint8(2),
    source: bytesToIp(record.subarray(4, 8)),
    destination: bytesToIp(record.subarray(8, 12)),
    sequence: view.getUint16(14),
    length: view.getUint16(16),
    mtu: view.getUint16(18),
    atMs: Number(view.getBigUint64(24)) / 1000,
    // A copy: the chunk it came in is large, and payloads may be kept.
    payload: record.slice(PAYLOAD, PAYLOAD + view.getUint8(3)),
  };
}

function orEchoError<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (!isNativeError(cause)) throw cause;
    const remedy =
      cause.code === 'EPERM' && cause.operation.startsWith('open') ? '; it needs CAP_NET_RAW' : '';
    throw new EchoError(cause.code, `cannot ${cause.operation}: ${cause.code}${remedy}`, { cause });
  }
}

function deafness(errno: number): EchoError {
  return new EchoError('ERECEIVE', `the raw ICMP socket receives nothing any more: errno ${errno}`);
}
