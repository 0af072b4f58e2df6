// Every fuzz target of native/fuzz for about a second: by the driver that needs only a compiler, and under libFuzzer
// where clang is there. `npm run fuzz` is the long form.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { CPrograms, runProgram, sourcesOf } from '../helpers/c-program.js';
import { packageRoot } from '../helpers/package-root.js';

const execute = promisify(execFile);
let programs: CPrograms;

test.before(async () => {
  programs = await CPrograms.with('address,undefined', [
    ...(await sourcesOf('src/packet')),
    ...['generation', 'peer', 'icmp_limiter', 'udp_socket'].map((name) => `src/dataplane/${name}.c`),
    'src/icmp/echo_packet.c',
    ...['packets', 'kernel_model', 'merge_oracle'].map((name) => `test/${name}.c`),
    'fuzz/driver.c',
  ]);
});

test.after.always(async () => {
  await programs.remove();
});

const TARGETS = [
  'ip_parse',
  'cut',
  'merge',
  'fragment',
  'icmp_write',
  'generation',
  'udp_control',
  'echo_parse',
];

for (const name of TARGETS) {
  test.serial(`${name} stands a second of mutated input`, async (t) => {
    t.timeout(120_000);
    const program = await programs.build(`fuzz-${name}`, [`fuzz/${name}.c`]);
    t.regex(await runProgram(program, ['1']), /^seed \d+\n\d+ inputs\n$/);
  });
}

async function hasClang(): Promise<boolean> {
  try {
    await execute('clang', ['--version']);
    return true;
  } catch {
    return false;
  }
}

test.serial('all targets stand a second under libFuzzer, where clang is', async (t) => {
  t.timeout(180_000);
  if (!(await hasClang())) {
    t.pass('no clang here');
    return;
  }
  const script = join(packageRoot(), 'scripts/fuzz.mjs');
  const { stdout } = await execute(process.execPath, [script, '--seconds', '1']);
  t.is(stdout.match(/all fine/g)?.length, TARGETS.length, stdout);
});
