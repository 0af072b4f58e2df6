// Near-valid bytes: originals with a few edits, with an eye on 16 and 32 bit numbers. No format is known here.

import fc from 'fast-check';

interface Edit {
  readonly kind: keyof typeof EDITS;
  /** Of 65,536 parts. */
  readonly at: number;
  readonly length: number;
  readonly count: number;
  readonly number: number;
  readonly other: Uint8Array;
}

/** Numbers at which lengths and counters go wrong. */
const NUMBERS: readonly number[] = [
  ...[0, 1, 2, 3, 4, 5, 7, 8, 12, 15, 16, 17, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff],
  ...[0x1_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fffc, 0xffff_ffff],
];

const aligned = (from: number): number => from & ~3;

/** Each changes or makes a buffer; `from` and `to` are in it. */
const EDITS = {
  flip: (bytes, from, _to, { number }) => {
    if (from < bytes.length) bytes[from] = (bytes[from] ?? 0) ^ (1 << (number & 7));
    return bytes;
  },
  byte: (bytes, from, _to, { number }) => {
    if (from < bytes.length) bytes[from] = number & 0xff;
    return bytes;
  },
  half: (bytes, from, _to, { number }) => {
    const at = from & ~1;
    if (at + 2 <= bytes.length) bytes.writeUInt16LE(number & 0xffff, at);
    return bytes;
  },
  word: (bytes, from, _to, { number }) => {
    if (aligned(from) + 4 <= bytes.length) bytes.writeUInt32LE(number >>> 0, aligned(from));
    return bytes;
  },
  // The lengths of netlink attributes and messages: a half at a multiple of four that fits what follows it.
  length: (bytes, from, _to, { number }) => {
    const places: number[] = [];
    for (let at = 0; at + 4 <= bytes.length && places.length < 200; at += 4) {
      const value = bytes.readUInt16LE(at);
      if (value >= 4 && value <= bytes.length - at) places.push(at);
    }
    const chosen = places[from % Math.max(1, places.length)];
    if (chosen !== undefined) bytes.writeUInt16LE(number & 0xffff, chosen);
    return bytes;
  },
  longer: (bytes, from, _to, { count }) => {
    const at = from & ~1;
    if (at + 2 <= bytes.length) bytes.writeUInt16LE((bytes.readUInt16LE(at) + count - 2) & 0xffff, at);
    return bytes;
  },
  truncate: (bytes, from) => bytes.subarray(0, from),
  delete: (bytes, from, to) => Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]),
  insert: (bytes, from, _to, { other }) =>
    Buffer.concat([bytes.subarray(0, aligned(from)), other, bytes.subarray(aligned(from))]),
  overwrite: (bytes, from, _to, { other }) => {
    bytes.set(
      other.subarray(0, Math.max(0, bytes.length - aligned(from))),
      Math.min(aligned(from), bytes.length),
    );
    return bytes;
  },
  repeat: (bytes, from, to, { count }) =>
    Buffer.concat([
      bytes.subarray(0, from),
      ...new Array<Buffer>(count).fill(bytes.subarray(from, to)),
      bytes.subarray(to),
    ]),
} as const satisfies Readonly<
  Record<string, (bytes: Buffer, from: number, to: number, edit: Edit) => Buffer>
>;

const LONGEST = 1_000_000;

function edited(original: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let bytes: Buffer = Buffer.from(original);
  for (const edit of edits) {
    const from = Math.floor((edit.at / 65_536) * (bytes.length + 1));
    const to = Math.min(bytes.length, from + edit.length);
    bytes = Buffer.from(EDITS[edit.kind](bytes, from, to, edit).subarray(0, LONGEST));
  }
  return bytes;
}

/** The originals with up to `most` edits; some of them none, so that what is right is seen as well. */
export function mutatedBytes(originals: fc.Arbitrary<Uint8Array>, most = 6): fc.Arbitrary<Uint8Array> {
  const edit: fc.Arbitrary<Edit> = fc.record({
    kind: fc.constantFrom(...(Object.keys(EDITS) as (keyof typeof EDITS)[])),
    at: fc.nat({ max: 65_535 }),
    length: fc.oneof(fc.constantFrom(1, 2, 4, 8, 16), fc.nat({ max: 200 })),
    count: fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 5 }) }, fc.constant(300)),
    number: fc.oneof(fc.constantFrom(...NUMBERS), fc.nat({ max: 0xffff_ffff })),
    other: fc.oneof(fc.uint8Array({ maxLength: 24 }), originals),
  });
  return fc
    .tuple(originals, fc.array(edit, { maxLength: most }))
    .map(([original, edits]) => edited(original, edits));
}
