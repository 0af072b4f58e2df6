// Reading and writing settings, in a folder that stands in for /proc/sys.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readSetting, writeSetting } from '../../../src/kernel/rtnetlink/settings.js';

async function folder(t: ExecutionContext): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'settings-'));
  t.teardown(() => rm(root, { recursive: true }));
  await mkdir(join(root, 'net/flannel.1'), { recursive: true });
  await writeFile(join(root, 'net/flannel.1/accept_ra'), '1\n');
  return root;
}

test('a setting of a device with a dot in its name is read and written', async (t) => {
  const root = await folder(t);
  t.is(await readSetting(root, 'net/flannel.1/accept_ra'), '1');
  await writeSetting(root, 'net/flannel.1/accept_ra', '0');
  t.is((await readFile(join(root, 'net/flannel.1/accept_ra'), 'utf8'))[0], '0');
});

test('a setting that does not exist reads as undefined and is not created', async (t) => {
  const root = await folder(t);
  t.is(await readSetting(root, 'net/flannel.1/none'), undefined);
  const error = await t.throwsAsync(writeSetting(root, 'net/flannel.1/none', '0'), { code: 'ENOENT' });
  t.like(error, { name: 'KernelError', operation: 'write the setting net/flannel.1/none' });
  t.is(await readSetting(root, 'net/flannel.1/none'), undefined);
});

for (const path of [
  '../etc/passwd',
  'net/../../x',
  '/etc/passwd',
  'net//x',
  'net/./x',
  '',
  'net/x/',
  'net/\0',
]) {
  test(`${JSON.stringify(path)} is no setting`, async (t) => {
    const root = await folder(t);
    await t.throwsAsync(readSetting(root, path), { code: 'EINVAL' });
    await t.throwsAsync(writeSetting(root, path, '1'), { code: 'EINVAL' });
  });
}

test('a folder is an error with its code', async (t) => {
  await t.throwsAsync(readSetting(await folder(t), 'net'), { code: 'EISDIR' });
});
