// The packet logic under the address and undefined-behaviour sanitizers; the checks are in native/test/packet_*_test.c,
// which print the seed that repeats them.

import test from 'ava';
import { CPrograms, runProgram, sourcesOf } from '../helpers/c-program.js';

const TITLES: Readonly<Record<string, string>> = {
  checksum: 'every way to make a checksum agrees with the naive one',
  ip: 'headers are read, and patched, as the RFCs have it',
  icmp: 'ICMP errors go to whom they may, and quote what they must',
  fragment: 'fragments are put together again to the packet that was cut',
  route_table: 'the longest prefix is found as a linear search finds it',
  cut: 'a super-packet is cut into valid packets that carry all of it',
  merge: 'a merged packet, cut again, is the packets that came, in order',
  icmp_limiter: 'ICMP errors are told as often as the limits say',
  generation: 'peers live across generations, and are freed with the last',
  wild: 'random bytes lead nobody beyond a buffer',
};

let programs: CPrograms;

test.before(async () => {
  programs = await CPrograms.with('address,undefined', [
    ...(await sourcesOf('src/packet')),
    ...['generation', 'peer', 'icmp_limiter'].map((name) => `src/dataplane/${name}.c`),
    ...['packets', 'kernel_model', 'merge_oracle'].map((name) => `test/${name}.c`),
  ]);
});

test.after.always(async () => {
  await programs.remove();
});

for (const [name, title] of Object.entries(TITLES)) {
  test.serial(title, async (t) => {
    t.timeout(120_000);
    const program = await programs.build(name, [`test/packet_${name}_test.c`]);
    t.regex(await runProgram(program), /^seed \d+\n/);
  });
}

test('every C test of packets has a title here', async (t) => {
  const files = await sourcesOf('test', /^packet_.*_test\.c$/);
  t.deepEqual(
    files,
    Object.keys(TITLES)
      .map((name) => `test/packet_${name}_test.c`)
      .sort(),
  );
});
