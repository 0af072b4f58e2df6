// The support bundle on this machine, whatever there is of flanneld: a file of our own, complete and closed to others.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { packageRoot } from '../helpers/package-root.js';
import { tempFolder } from '../helpers/temp-folder.js';

const SECRET = 'correct-horse-7';

function bundle(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { code: number | null; out: string; err: string } {
  const bin = join(packageRoot(), 'bin/flanneld');
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'support-bundle', ...args], {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, FLANNELD_ETCD_ENDPOINTS: 'http://127.0.0.1:1', ...env },
  });
  return { code: status, out: stdout, err: stderr };
}

/** Every byte that is in the bundle, by file. */
async function contents(t: ExecutionContext, file: string): Promise<ReadonlyMap<string, string>> {
  const folder = await tempFolder(t);
  t.is(spawnSync('tar', ['xzf', file, '-C', folder]).status, 0);
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(names.map((name) => [name.slice(folder.length + 1), readFileSync(name, 'latin1')]));
}

test('it is one file that only its maker can read, and nothing is left beside it', async (t) => {
  const folder = await tempFolder(t);
  const file = join(folder, 'b.tar.gz');
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('flanneld-bundle-'));
  const { code, out } = bundle(['-o', file]);
  t.is(code, 0);
  t.regex(out, /^\S+b\.tar\.gz: \d+ files/);
  t.is(statSync(file).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(folder), ['b.tar.gz']);
  t.deepEqual(
    readdirSync(tmpdir()).filter((name) => name.startsWith('flanneld-bundle-')),
    before,
  );
  const files = await contents(t, file);
  for (const name of ['doctor.txt', 'doctor.json', 'about.json', 'kernel/links.txt', 'system/journal.txt'])
    t.true(files.has(`flanneld/${name}`), name);
});

test('a secret is in no byte of it, wherever it came from', async (t) => {
  const folder = await tempFolder(t);
  const [file, key] = [join(folder, 'b.tar.gz'), join(folder, 'key.pem')];
  writeFileSync(
    key,
    `-----BEGIN PRIVATE KEY-----\n${'S3cretKeyMaterial'.repeat(4)}\n-----END PRIVATE KEY-----\n`,
  );
  const args = ['-o', file, '--json', '--etcd-username=root', `--etcd-password=${SECRET}`];
  const { code, out, err } = bundle(args, {
    FLANNELD_ETCD_PASSWORD: `${SECRET}-env`,
    FLANNELD_ETCD_KEYFILE: key,
    FLANNELD_ETCD_CERTFILE: key,
  });
  t.is(code, 0, err);
  t.notRegex(out + err, new RegExp(SECRET));
  for (const [name, text] of await contents(t, file)) {
    for (const form of [SECRET, Buffer.from(SECRET).toString('base64'), 'S3cretKeyMaterial', 'BEGIN PRIVATE'])
      t.false(text.includes(form), `${name}: ${form}`);
  }
});

test('a file that cannot be written is one line and exit code 1', (t) => {
  const { code, out, err } = bundle(['-o', '/nowhere/b.tar.gz']);
  t.deepEqual([code, out], [1, '']);
  t.regex(err, /^flanneld: cannot write \/nowhere\/b\.tar\.gz: ENOENT\n$/);
});
