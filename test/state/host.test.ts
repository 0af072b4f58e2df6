// The boot id and the host's name, from files and systems that have none worth the name.

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readBootId, readHostName } from '../../src/state/host.js';
import { rejectsWithState } from '../contract/state.js';
import { tempFolder } from '../helpers/temp-folder.js';

test('the boot id is the kernel’s', async (t) => {
  const told = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  t.is(`${await readBootId()}\n`, told);
});

test('a boot id that is missing or none is an error that names the file', async (t) => {
  const file = join(await tempFolder(t), 'boot_id');
  const missing = await rejectsWithState(t, readBootId(file), 'unusable');
  t.is(missing.message, `${file} is missing: is /proc mounted?`);
  for (const text of [
    '',
    'x',
    '11111111-2222-4333-8444-55555555555',
    `11111111-2222-4333-8444-555555555555\n\n`,
  ]) {
    await writeFile(file, text);
    const error = await rejectsWithState(t, readBootId(file), 'unusable');
    t.is(error.message, `${file} is not a boot id: is /proc mounted?`);
  }
});

test('the host’s name is printable, bounded and never empty', (t) => {
  t.is(readHostName('node-1.example'), 'node-1.example');
  t.is(readHostName('a\u001b[31m b'), 'a?[31m?b');
  t.is(readHostName('x'.repeat(1_000)), 'x'.repeat(253));
  t.is(readHostName(''), '?');
  t.true(readHostName().length > 0);
});
