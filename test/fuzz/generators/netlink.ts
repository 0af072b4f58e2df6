// Near-valid netlink datagrams: the kernel's own answers (test/fixtures/netlink) and notifications of nftables, with
// damage. Sequence numbers and the order of things are connection.ts's.

import fc from 'fast-check';
import { ANSWERS } from '../../fixtures/netlink/golden.js';
import { message } from '../../fakes/fake-netlink.js';
import { mutatedBytes } from './bytes.js';

/** Every answer of the kernel that was captured. */
export const ANSWER_BYTES: readonly Uint8Array[] = ANSWERS.map(({ hex }) => Buffer.from(hex, 'hex'));

/** An attribute as the kernel would write it. */
export function attribute(type: number, content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? Buffer.from(`${content}\0`) : content;
  const whole = Buffer.alloc((4 + bytes.length + 3) & ~3);
  whole.set(new Uint8Array(Uint16Array.of(4 + bytes.length, type).buffer));
  whole.set(bytes, 4);
  return whole;
}

/** Attributes within attributes, deeper than any reader expects. */
function nested(depth: number): Uint8Array {
  let inner: Uint8Array = attribute(2, 'x');
  for (let level = 0; level < depth; level++) inner = attribute(0x8000 | (18 - (level % 3)), inner);
  return inner;
}

const ATTRIBUTES: readonly Uint8Array[] = [
  ...[1, 2, 3, 4, 5, 9, 12, 15, 16, 18, 20, 0x3fff, 0xffff].map((type) => attribute(type, new Uint8Array(0))),
  ...[1, 2, 5, 18].flatMap((type) => [4, 6, 16, 40].map((size) => attribute(type, new Uint8Array(size)))),
  ...[1, 50, 3_000].map(nested),
];

const original = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...ANSWER_BYTES) },
  fc.constantFrom(...ATTRIBUTES),
  fc
    .tuple(fc.integer({ min: 0, max: 40 }), fc.constantFrom(...ATTRIBUTES), fc.constantFrom(...ATTRIBUTES))
    .map(([type, first, second]) => message(type, 0, 0, Buffer.concat([new Uint8Array(16), first, second]))),
);

/** One or several messages, damaged, at any alignment. */
export const datagrams: fc.Arbitrary<Uint8Array> = fc
  .tuple(fc.array(mutatedBytes(original), { minLength: 1, maxLength: 3 }), fc.nat({ max: 3 }))
  .map(([parts, offset]) => Buffer.concat([Buffer.alloc(offset), ...parts]).subarray(offset));

const text = fc.constantFrom('flannel-blue', 'filter', 'FORWARD', '', 'x'.repeat(200), '\ufffd');
const hook = (number: number): Uint8Array => attribute(0x8004, attribute(1, Buffer.from([0, 0, 0, number])));
const notification = fc
  .tuple(fc.integer({ min: 0, max: 20 }), fc.constantFrom(0, 1, 2, 10, 255), text, text, fc.nat({ max: 5 }))
  .map(([kind, family, table, chain, number]) =>
    message(
      (10 << 8) | kind,
      0,
      0,
      Buffer.concat([
        Buffer.from([family, 0, 0, 0]),
        attribute(1, table),
        attribute(2, chain),
        attribute(3, chain),
        hook(number),
      ]),
    ),
  );

/** Notifications of nf_tables, damaged. */
export const notifications: fc.Arbitrary<Uint8Array> = fc
  .array(mutatedBytes(notification), { minLength: 1, maxLength: 4 })
  .map((parts) => Buffer.concat(parts));
