// Walks over the messages in a chunk of received bytes. Bounds are checked here, once: nothing reads past a message.
// It knows headers and alignment, not what the messages mean.

import { align4, NLMSG_HDRLEN } from './align.js';

/** Received bytes with views for the machine's byte order. Reading beyond the end gives 0. */
export class Chunk {
  readonly bytes: Buffer;
  readonly #halves: Uint16Array;
  readonly #words: Uint32Array;

  constructor(data: Uint8Array) {
    // Typed arrays want alignment: what comes from the socket has it, the rest is copied.
    const aligned = data.byteOffset % 4 === 0 ? data : Uint8Array.from(data);
    const { buffer, byteOffset, byteLength } = aligned;
    this.bytes = Buffer.from(buffer, byteOffset, byteLength);
    this.#halves = new Uint16Array(buffer, byteOffset, byteLength >> 1);
    this.#words = new Uint32Array(buffer, byteOffset, byteLength >> 2);
  }

  get length(): number {
    return this.bytes.length;
  }

  u8(offset: number): number {
    return this.bytes[offset] ?? 0;
  }

  /** `offset` is a multiple of 2. */
  u16(offset: number): number {
    return this.#halves[offset >> 1] ?? 0;
  }

  /** `offset` is a multiple of 4. */
  u32(offset: number): number {
    return this.#words[offset >> 2] ?? 0;
  }

  /** `offset` is a multiple of 4. */
  i32(offset: number): number {
    return this.u32(offset) | 0;
  }
}

/**
 * The message at hand, and a step to the next. One object for all messages of a chunk, so handling an
 * acknowledgement allocates nothing.
 */
export class MessageCursor {
  readonly chunk: Chunk;
  type = 0;
  flags = 0;
  sequence = 0;
  port = 0;
  /** The payload: from `start` up to, not including, `end`. */
  start = 0;
  end = 0;
  /** The chunk ended in bytes that are no message; they were not read. */
  malformed = false;
  #next = 0;

  constructor(data: Uint8Array) {
    this.chunk = new Chunk(data);
  }

  /** Moves to the next message; false at the end. */
  next(): boolean {
    const { chunk } = this;
    const header = this.#next;
    const left = chunk.length - header;
    if (left <= 0) return false;
    const length = left < NLMSG_HDRLEN ? 0 : chunk.u32(header);
    if (length < NLMSG_HDRLEN || length > left) {
      this.malformed = true;
      this.#next = chunk.length;
      return false;
    }
    this.type = chunk.u16(header + 4);
    this.flags = chunk.u16(header + 6);
    this.sequence = chunk.u32(header + 8);
    this.port = chunk.u32(header + 12);
    this.start = header + NLMSG_HDRLEN;
    this.end = header + length;
    this.#next = header + align4(length);
    return true;
  }
}
