// Letters of a command line, together and apart, as getopts of the shell reads them.

import test from 'ava';
import { separateOptions } from '../../src/commands/getopt.js';

for (const [given, expected] of [
  [['-ic'], ['-i', '-c']],
  [['-f/x'], ['-f', '/x']],
  [
    ['-icf/x', '-m'],
    ['-i', '-c', '-f', '/x', '-m'],
  ],
  [
    ['-f', '-i', '-c'],
    ['-f', '-i', '-c'],
  ],
  [['-kic'], ['-k', 'ic']],
  [['-f'], ['-f']],
  [['--help'], ['--help']],
  [['-help'], ['-help']],
  [
    ['-iz', '-ic'],
    ['-iz', '-ic'],
  ],
  [
    ['x', '-ic'],
    ['x', '-ic'],
  ],
  [['-'], ['-']],
  [[], []],
] as const) {
  test(`${JSON.stringify(given)} is ${JSON.stringify(expected)}`, (t) => {
    t.deepEqual([...separateOptions(given, 'fdk', 'icmh')], [...expected]);
  });
}
