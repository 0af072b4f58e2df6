// Protocol Buffers on the byte level: varints, strings, length-delimited fields; what the generated stubs call.
// Written here and not taken from a package because it is this small, and because the package the generator
// names by default takes 10 ms to load, a fifth of node's own start. It knows no message.
// https://protobuf.dev/programming-guides/encoding/

/** Reads one message's bytes. Malformed input throws RangeError; nothing outside the buffer is read. */
export class BinaryReader {
  pos = 0;
  readonly len: number;
  readonly #bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.len = bytes.length;
  }

  /** A varint's lower 32 bits: tags, lengths. Nearly always one byte, hence the short way. */
  uint32(): number {
    const first = this.#bytes[this.pos] ?? 0x80;
    if (first < 0x80) {
      this.pos++;
      return first;
    }
    return Number(BigInt.asUintN(32, this.#varint()));
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    return this.#varint() !== 0n;
  }

  uint64(): bigint {
    return BigInt.asUintN(64, this.#varint());
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.#varint());
  }

  string(): string {
    const start = this.#take();
    return this.#bytes.toString('utf8', start, this.pos);
  }

  /** A view into the message, not a copy: whoever keeps it keeps the whole message in memory. */
  bytes(): Uint8Array {
    const start = this.#take();
    return this.#bytes.subarray(start, this.pos);
  }

  /** Passes over a field this program does not know. Groups (wire types 3, 4) do not occur in etcd's API. */
  skip(wireType: number): void {
    if (wireType === 0) this.#varint();
    else if (wireType === 1) this.#advance(8);
    else if (wireType === 2) this.#take();
    else if (wireType === 5) this.#advance(4);
    else throw new RangeError(`protobuf: unknown wire type ${wireType} before byte ${this.pos}`);
  }

  /** Passes over a length and that many bytes; returns where those bytes start. */
  #take(): number {
    const length = this.uint32();
    const start = this.pos;
    this.#advance(length);
    return start;
  }

  #advance(count: number): void {
    if (count > this.len - this.pos) {
      throw new RangeError(`protobuf: ${count} bytes announced at byte ${this.pos} of ${this.len}`);
    }
    this.pos += count;
  }

  #varint(): bigint {
    let value = 0;
    // Seven bytes carry 49 bits, which a number holds exactly; only what is longer needs bigint arithmetic.
    for (let index = 0, scale = 1; index < 7; index++, scale *= 0x80) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return BigInt(value);
    }
    let large = BigInt(value);
    for (let shift = 49n; shift <= 63n; shift += 7n) {
      const byte = this.#byte();
      large |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return large;
    }
    throw new RangeError(`protobuf: a number longer than ten bytes before byte ${this.pos}`);
  }

  #byte(): number {
    const byte = this.#bytes[this.pos];
    if (byte === undefined || this.pos >= this.len) {
      throw new RangeError(`protobuf: the message ends within a number at byte ${this.pos}`);
    }
    this.pos++;
    return byte;
  }
}

/** Writes one message. `fork` opens a nested message, `join` closes it and puts its length before it. */
export class BinaryWriter {
  #bytes = Buffer.allocUnsafe(256);
  #end = 0;
  readonly #forks: number[] = [];

  /** The message. The writer must not be used after it. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#end);
  }

  fork(): this {
    this.#forks.push(this.#end);
    return this;
  }

  join(): this {
    const start = this.#forks.pop();
    if (start === undefined) throw new RangeError('protobuf: join without fork');
    const length = this.#end - start;
    const digits = varintSize(length);
    this.#reserve(digits);
    this.#bytes.copyWithin(start + digits, start, this.#end);
    this.#end = start;
    this.uint32(length);
    this.#end += length;
    return this;
  }

  uint32(value: number): this {
    this.#reserve(5);
    let rest = value >>> 0;
    while (rest >= 0x80) {
      this.#bytes[this.#end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#end++] = rest;
    return this;
  }

  /** Negative numbers take ten bytes, as the format asks. */
  int32(value: number): this {
    return value < 0 ? this.int64(BigInt(value)) : this.uint32(value);
  }

  bool(value: boolean): this {
    return this.uint32(value ? 1 : 0);
  }

  uint64(value: bigint): this {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.#bytes[this.#end++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#end++] = Number(rest);
    return this;
  }

  int64(value: bigint): this {
    return this.uint64(value);
  }

  string(value: string): this {
    return this.bytes(Buffer.from(value));
  }

  bytes(value: Uint8Array): this {
    this.uint32(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#end);
    this.#end += value.length;
    return this;
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#end + count));
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}
