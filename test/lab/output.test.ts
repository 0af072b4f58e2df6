// Lines of output: split where they are split, bounded in number.

import test from 'ava';
import { Output } from '../../src/lab/output.js';

test('lines are put together from pieces, each stream by itself', (t) => {
  const output = new Output(100);
  const heard: string[] = [];
  const stop = output.onLine((line) => heard.push(line));
  const [out, err] = [output.sink(), output.sink()];
  out.write('he');
  err.write('warning\n');
  out.write('llo\nwor');
  out.end();
  stop();
  err.write('late\n');
  t.deepEqual(heard, ['warning', 'hello', 'wor']);
  t.deepEqual(output.tail(2), ['wor', 'late']);
});

test('only the newest lines are kept, and it is said that older ones are not', (t) => {
  const output = new Output(10);
  output.sink().write(Array.from({ length: 25 }, (_, index) => `line ${index}\n`).join(''));
  const lines = output.tail();
  t.true(lines.length <= 10);
  t.is(lines.at(-1), 'line 24');
  t.regex(output.text(), /^\(\d+ older lines dropped\)\n/);
});
