// Asking before something is changed: only a yes is one.

import { PassThrough } from 'node:stream';
import test from 'ava';
import { confirm } from '../../src/commands/confirm.js';
import { keptIo } from '../helpers/command.js';

function terminal(typed: string): PassThrough & { readonly isTTY: boolean } {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  stdin.end(typed);
  return stdin;
}

for (const typed of ['y\n', 'yes\n', ' Y \n', 'YES\nno\n']) {
  test(`${JSON.stringify(typed)} is a yes`, async (t) => {
    const io = keptIo({ stdin: terminal(typed) });
    await confirm(io, 'Remove it?', false);
    t.is(io.printed().err, 'Remove it? [y/N] ');
  });
}

for (const typed of ['\n', 'n\n', 'yesno\n', '', 'x'.repeat(1_000)]) {
  test(`${JSON.stringify(typed.slice(0, 10))} is none, and nothing is changed`, async (t) => {
    await t.throwsAsync(confirm(keptIo({ stdin: terminal(typed) }), 'Remove it?', false), {
      code: 'command-failed',
      message: 'nothing was changed',
    });
  });
}

test('--yes asks nobody; where nobody can be asked it is needed', async (t) => {
  const io = keptIo();
  await confirm(io, 'Remove it?', true);
  t.is(io.printed().err, '');
  const piped = new PassThrough();
  for (const stdin of [undefined, piped])
    await t.throwsAsync(confirm(keptIo(stdin === undefined ? {} : { stdin }), 'Remove it?', false), {
      code: 'command-usage',
      message: 'Remove it? Nobody can be asked; give --yes',
    });
});
