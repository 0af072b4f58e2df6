// What every bench's command line has in common.

import test from 'ava';
import {
  BenchUsageError,
  chosen,
  oursCommand,
  readOptions,
  wholeNumber,
  wholeNumbers,
} from '../../bench/options.js';

test('options that take a value are texts, and what is not given is absent', (t) => {
  t.deepEqual(readOptions(['--rounds', '3', '--quick'], ['rounds', 'seconds']), {
    quick: true,
    help: false,
    rounds: '3',
  });
});

for (const args of [['--unknown'], ['positional'], ['--rounds'], ['--quick=maybe']]) {
  test(`"${args.join(' ')}" is refused in one line`, (t) => {
    const error = t.throws(() => readOptions(args, ['rounds']), { instanceOf: BenchUsageError });
    t.regex(error.message, /^[^\n]{5,120}$/);
  });
}

test('a number is whole, positive and bounded', (t) => {
  t.is(wholeNumber('n', '12'), 12);
  t.deepEqual(wholeNumbers('n', '10,1000', 1000), [10, 1000]);
  for (const value of ['0', '-1', '1.5', '', '1e2', '10000', 'x'])
    t.throws(() => wholeNumber('n', value), { instanceOf: BenchUsageError }, value);
  t.throws(() => wholeNumbers('n', '10,,20', 1000), { message: /^--n / });
});

test('chosen names come in the order of the known ones, once each; all of them when none is named', (t) => {
  t.deepEqual(chosen('s', 'c,a,a', ['a', 'b', 'c']), ['a', 'c']);
  t.deepEqual(chosen('s', undefined, ['a', 'b']), ['a', 'b']);
  t.throws(() => chosen('s', 'a,d', ['a', 'b']), { message: '--s d: not known; choose from: a, b' });
});

test('another program in place of ours is started by itself, ours by Node', (t) => {
  t.deepEqual(oursCommand('/x/flannel'), ['/x/flannel']);
  t.is(oursCommand(undefined)[0], process.execPath);
  t.regex(oursCommand(undefined)[1] ?? '', /\/bin\/flanneld$/);
});
