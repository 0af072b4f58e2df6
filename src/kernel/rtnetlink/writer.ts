// Builds netlink messages, several in a row, in one buffer that is used again and again.
// It knows headers and alignment, not what the attributes mean.

import { align4, NLA_HDRLEN } from './align.js';

/**
 * A cursor over a fixed buffer. Numbers are written in the machine's byte order, as netlink wants them; every
 * 16- and 32-bit number lies at a multiple of its size, which the message formats guarantee.
 * What does not fit is dropped and makes end() return false.
 */
export class MessageWriter {
  /** nlmsg_seq of the next message. */
  sequence = 0;
  readonly capacity: number;
  readonly #bytes: Uint8Array;
  readonly #halves: Uint16Array;
  readonly #words: Uint32Array;
  #message = 0;
  #position = 0;

  constructor(capacity: number) {
    const buffer = new ArrayBuffer(align4(capacity));
    this.capacity = buffer.byteLength;
    this.#bytes = new Uint8Array(buffer);
    this.#halves = new Uint16Array(buffer);
    this.#words = new Uint32Array(buffer);
  }

  get length(): number {
    return this.#position;
  }

  /** What was written since the last reset: a view, valid until the next write. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#position);
  }

  reset(): void {
    this.#position = 0;
  }

  /** struct nlmsghdr { __u32 nlmsg_len; __u16 nlmsg_type; __u16 nlmsg_flags; __u32 nlmsg_seq; __u32 nlmsg_pid; } */
  begin(type: number, flags: number): void {
    this.#message = this.#position;
    this.#position += 4;
    this.u16(type);
    this.u16(flags);
    this.u32(this.sequence);
    this.u32(0);
  }

  /** Completes the message; false, and the message is taken back, when it did not fit. */
  end(): boolean {
    if (this.#position > this.capacity) {
      this.#position = this.#message;
      return false;
    }
    this.#words[this.#message >> 2] = this.#position - this.#message;
    return true;
  }

  /** struct nlattr { __u16 nla_len; __u16 nla_type; }. Returns the place for endAttribute. */
  beginAttribute(type: number): number {
    const start = this.#position;
    this.#halves[(start >> 1) + 1] = type;
    this.#position += NLA_HDRLEN;
    return start;
  }

  endAttribute(start: number): void {
    const length = this.#position - start;
    // The length has 16 bits. A longer attribute counts as one that does not fit.
    if (length > 0xffff) this.#position = this.capacity + 1;
    this.#halves[start >> 1] = length;
    while ((this.#position & 3) !== 0) this.u8(0);
  }

  u8(value: number): void {
    this.#bytes[this.#position++] = value;
  }

  u16(value: number): void {
    this.#halves[this.#position >> 1] = value;
    this.#position += 2;
  }

  u32(value: number): void {
    this.#words[this.#position >> 2] = value;
    this.#position += 4;
  }

  bytes(value: Uint8Array): void {
    for (const byte of value) this.u8(byte);
  }

  /** Puts a 16-bit length into a place written before, for structures that hold their own. */
  patchU16(position: number, value: number): void {
    this.#halves[position >> 1] = value;
  }
}
