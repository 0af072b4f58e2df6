// The packet engine without Node, between sockets and over a real TUN device, under the sanitizers. What is checked is in
// native/test/engine_*.c; each program prints the seed that repeats it. `npm run fuzz -- --engine` is the long form.

import test from 'ava';
import { CPrograms, runProgram, sourcesOf, type Sanitizer } from '../helpers/c-program.js';

const TITLES: Readonly<Record<string, string>> = {
  carry: 'a packet comes out as it went in, or its sender hears why not, in every configuration',
  filter: 'each sender may send what is his, and congestion marks are heeded',
  offload: 'super-packets are cut and made, and flows keep their order, whatever features are in use',
  batch: 'many packets at once go to whom they are for, in order, as few messages',
  life: 'routes change under traffic without a loss, and a stop is quick',
  mtu: 'a path that becomes narrow is told of, or fragmented for, to the bit',
};
const SANITIZERS: readonly Sanitizer[] = ['address,undefined', 'thread'];
const programs = new Map<Sanitizer, CPrograms>();

test.before(async () => {
  const shared = [
    ...(await sourcesOf('src/packet')),
    ...(await sourcesOf('src/dataplane')),
    ...['packets', 'kernel_model', 'engine_rig', 'engine_rig_counters'].map((name) => `test/${name}.c`),
  ];
  for (const sanitizer of SANITIZERS) programs.set(sanitizer, await CPrograms.with(sanitizer, shared));
});

test.after.always(async () => {
  for (const built of programs.values()) await built.remove();
});

for (const sanitizer of SANITIZERS) {
  for (const [name, title] of Object.entries(TITLES)) {
    // What happens at once in several threads is the thread sanitizer's; the rest is one packet at a time.
    if (sanitizer === 'thread' && name !== 'life') continue;
    test.serial(`${title} (${sanitizer})`, async (t) => {
      t.timeout(120_000);
      const program = await programs.get(sanitizer)!.build(name, [`test/engine_${name}_test.c`]);
      t.regex(await runProgram(program), /^seed \d+\n/);
    });
  }

  test.serial(`the engine stands seconds of random traffic (${sanitizer})`, async (t) => {
    t.timeout(120_000);
    const sources = ['engine_harness', 'engine_harness_tun', 'engine_wild'].map((name) => `test/${name}.c`);
    const program = await programs.get(sanitizer)!.build('harness', sources);
    const said = await runProgram(program, ['2']);
    t.regex(said, /\d+ rounds, /);
    t.log(said.trim());
    const overDevice = await runProgram(program, ['--tun', '1.5']);
    t.regex(overDevice, /\d+ rounds, |not tested/);
    t.log(overDevice.trim());
  });
}
