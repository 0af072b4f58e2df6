// The command line of the chaos suite, and the one it prints for doing the same again.

import test from 'ava';
import { ChaosUsageError, parseChaosOptions } from './options.js';
import { replayCommand } from './setting.js';

test('without arguments: ten minutes, five hosts, vxlan and the fresh seed', (t) => {
  t.deepEqual(parseChaosOptions([], 77), {
    ...{ seed: 77, minutes: 10, hosts: 5, backend: 'vxlan', ttlSeconds: 12 },
    ...{ part: 'all', only: undefined, logs: undefined, dry: false },
  });
});

test('the printed command line leads to the same setting', (t) => {
  const options = parseChaosOptions(
    ['--seed=5', '--minutes', '0.7', '--hosts=3', '--backend=udp', '--ttl=30'],
    1,
  );
  t.not(options, undefined);
  if (options === undefined) return;
  const words = replayCommand(options).replace('npm run chaos -- ', '').split(' ');
  t.deepEqual(parseChaosOptions(words, 1), options);
});

for (const words of [
  ['--minutes', '0'],
  ['--minutes', 'x'],
  ['--hosts', '2'],
  ['--hosts', '3.5'],
  ['--backend', 'wireguard'],
  ['--ttl', '9'],
  ['--part', 'some'],
  ['--seed', '-1'],
  ['--unknown'],
  ['word'],
]) {
  test(`"${words.join(' ')}" is refused in one line`, (t) => {
    const error = t.throws(() => parseChaosOptions(words, 1), { instanceOf: ChaosUsageError });
    t.false(error.message.includes('\n'));
  });
}

test('--help asks for help', (t) => {
  t.is(parseChaosOptions(['--help'], 1), undefined);
});
