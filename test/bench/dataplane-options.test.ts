// The command line of the dataplane bench.

import test from 'ava';
import { parseDataplaneOptions } from '../../bench/dataplane-options.js';

test('a run is whole by default and its picture goes into the docs', (t) => {
  const options = parseDataplaneOptions([]);
  t.deepEqual([options?.rounds, options?.effort.seconds, options?.mtus], [5, 3, [1500, 9000]]);
  t.deepEqual([options?.named, options?.subjects.length, options?.measures.length], [false, 8, 8]);
  t.regex(options?.svg ?? '', /\/docs\/bench-dataplane\.svg$/);
  t.regex(options?.out ?? '', /\/bench\/results\/dataplane\.json$/);
});

for (const args of [['--quick'], ['--subjects', 'plain'], ['--measures=tcp'], ['--mtu', '1500']]) {
  test(`a run with ${args.join(' ')} leaves the picture of the docs alone`, (t) => {
    t.regex(parseDataplaneOptions(args)?.svg ?? '', /\/bench\/results\/dataplane\.svg$/);
  });
}

test('what is given wins over --quick', (t) => {
  const options = parseDataplaneOptions(['--quick', '--rounds=2', '--seconds=4', '--mtu=1500,1500,4000']);
  t.deepEqual([options?.rounds, options?.effort.seconds, options?.mtus], [2, 4, [1500, 4000]]);
});

test('help is no run', (t) => {
  t.is(parseDataplaneOptions(['--help']), undefined);
});

for (const args of ['--mtu=1279', '--subjects=wireguard', '--measures=', '--seconds=0', '--rounds=x']) {
  test(`${args} is refused`, (t) => {
    t.throws(() => parseDataplaneOptions([args]), { message: /^--[a-z]+ / });
  });
}
