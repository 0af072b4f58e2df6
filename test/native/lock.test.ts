// The file lock: who has it, and above all when it is free again. Needs no privilege.

import { mkdir, link, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isNativeError, lockFile } from '../../src/native.js';
import { StateChild } from '../helpers/state-child.js';
import { tempFolder } from '../helpers/temp-folder.js';
import { openDescriptors } from './addon-scenarios.js';

function refuses(t: ExecutionContext, path: string, code: string): void {
  const error = t.throws(() => lockFile(path, 'x'));
  t.true(isNativeError(error));
  t.like(error, { code, operation: 'lock a file' }, path);
}

test('one holder at a time, also within a process, until it closes', async (t) => {
  const path = join(await tempFolder(t), 'lock');
  const first = lockFile(path, '1234\n');
  t.is((await stat(path)).mode & 0o777, 0o600);
  t.is(await readFile(path, 'utf8'), '1234\n');
  refuses(t, path, 'EAGAIN');
  t.is(await readFile(path, 'utf8'), '1234\n', 'who does not get it does not write');
  first.close();
  first.close();
  const second = lockFile(path, '9\n');
  t.is(await readFile(path, 'utf8'), '9\n', 'nothing of a longer text is left');
  second.close();
});

test('reading the file from within the process does not lose the lock', async (t) => {
  const path = join(await tempFolder(t), 'lock');
  const lock = lockFile(path, '1\n');
  await readFile(path);
  refuses(t, path, 'EAGAIN');
  lock.close();
});

test('a killed holder frees it, although a program that it started lives on', async (t) => {
  const path = join(await tempFolder(t), 'lock');
  const holder = await StateChild.start(t, 'lock', path, 'sleep', '60');
  const started = Number(holder.output);
  t.teardown(() => process.kill(started, 'SIGKILL'));
  t.is(await readFile(path, 'utf8'), `${holder.pid}\n`);
  refuses(t, path, 'EAGAIN');
  await holder.kill();
  t.true(process.kill(started, 0), 'the program lives');
  lockFile(path, '1\n').close();
});

test('a lock that nobody refers to any more is dropped', async (t) => {
  const path = join(await tempFolder(t), 'lock');
  const source = `
    const { lockFile } = await import(${JSON.stringify(new URL('../../src/native.js', import.meta.url).href)});
    lockFile(${JSON.stringify(path)}, '1');
    for (let turn = 0; turn < 400; turn++) {
      globalThis.gc();
      await new Promise((resolve) => setTimeout(resolve, 5));
      try { lockFile(${JSON.stringify(path)}, '2').close(); process.exit(0); } catch {}
    }
    process.exit(1);`;
  t.notThrows(() => {
    execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', source]);
  });
});

test('only a plain file with one name is locked, and nothing else is changed', async (t) => {
  const folder = await tempFolder(t);
  const at = (name: string): string => join(folder, name);
  await writeFile(at('file'), 'precious');
  await symlink('file', at('link'));
  await symlink('nowhere', at('dangling'));
  await link(at('file'), at('second name'));
  await mkdir(at('folder'));
  execFileSync('mkfifo', [at('fifo')]);
  const before = openDescriptors();
  refuses(t, at('link'), 'ELOOP');
  refuses(t, at('dangling'), 'ELOOP');
  refuses(t, at('second name'), 'EINVAL');
  refuses(t, at('folder'), 'EISDIR');
  refuses(t, at('fifo'), 'EINVAL');
  refuses(t, at('absent/lock'), 'ENOENT');
  refuses(t, '/dev/null', 'EINVAL');
  t.is(openDescriptors(), before);
  t.is(await readFile(at('file'), 'utf8'), 'precious');
});

test('arguments of a wrong type are refused', (t) => {
  for (const [path, text] of [
    [undefined, 'x'],
    ['/x', 7],
    ['a\0b', 'x'],
    ['/x', 'x'.repeat(4096)],
  ]) {
    t.throws(() => lockFile(path as string, text as string), { instanceOf: TypeError });
  }
});

test('a disk that is full does not prevent the lock', async (t) => {
  // /dev/full is no plain file, so the limit of the process has to do.
  const path = join(await tempFolder(t), 'lock');
  const source = `
    const { lockFile } = await import(${JSON.stringify(new URL('../../src/native.js', import.meta.url).href)});
    process.on('SIGXFSZ', () => undefined);
    const lock = lockFile(${JSON.stringify(path)}, '1');
    lock.close();`;
  t.notThrows(() => {
    execFileSync('sh', [
      '-c',
      'ulimit -f 0; exec "$@"',
      'sh',
      process.execPath,
      '--input-type=module',
      '-e',
      source,
    ]);
  });
  t.is(await readFile(path, 'utf8'), '');
});
