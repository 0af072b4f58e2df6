// The addon seen from JavaScript: data, errors, and above all lifetimes. Needs no privilege.

import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { createTun, isNativeError, notifyServiceManager, openNetlink } from '../../src/native.js';
import { MessageCursor } from '../../src/kernel/rtnetlink/reader.js';
import { packageRoot } from '../helpers/package-root.js';
import { ANSWER_TYPE, linkDump, open } from './addon-scenarios.js';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));

async function tempFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'addon-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

test('a request is answered, and the answers come whole', async (t) => {
  const chunk = await new Promise<Uint8Array>((resolve) => {
    const handle = open((data) => {
      handle.close();
      resolve(data);
    });
    t.true(Number.isInteger(handle.portId) && handle.portId > 0);
    handle.send(linkDump());
  });
  const message = new MessageCursor(chunk);
  t.true(message.next());
  t.is(message.type, ANSWER_TYPE);
  while (message.next()) t.is(message.sequence, 1);
  t.false(message.malformed);
});

test('after close there is no callback, sending is EBADF, and closing again does nothing', async (t) => {
  for (let round = 0; round < 20; round++) {
    let closed = false;
    const handle = open(() => {
      t.false(closed, 'a callback came after close');
    });
    for (let request = 0; request < 10; request++) handle.send(linkDump());
    await new Promise((resolve) => setImmediate(resolve));
    handle.close();
    closed = true;
    handle.close();
    const error = t.throws(() => {
      handle.send(linkDump());
    });
    t.true(isNativeError(error));
    t.like(error, { code: 'EBADF', errno: 9, operation: 'send on a netlink socket' });
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test('a TUN of a name that no device can have is refused before anything is made', (t) => {
  const operation = 'create a TUN device';
  for (const [name, code] of [
    ['', 'ERANGE'],
    ['a-name-of-sixteen', 'ERANGE'],
    ['flannel%d', 'EINVAL'],
  ] as const) {
    t.like(
      t.throws(() => createTun(name, false)),
      { code, operation },
    );
  }
  t.like(
    t.throws(() => createTun('flannel0', false, '/nonexistent')),
    { code: 'ENOENT', operation },
  );
  t.throws(() => createTun('a\0b', false), { instanceOf: TypeError });
});

test('what cannot be opened is an error with code, number and operation', (t) => {
  const handlers = { data: () => undefined, error: () => undefined };
  const options = { protocol: 0, groups: [], receiveBuffer: 4096 };
  const unknown = t.throws(() => openNetlink({ ...options, protocol: 31 }, handlers));
  t.like(unknown, { code: 'EPROTONOSUPPORT', errno: 93, operation: 'open a netlink socket' });
  const lost = t.throws(() => openNetlink({ ...options, netns: '/nonexistent' }, handlers));
  t.like(lost, { code: 'ENOENT', operation: 'open a netlink socket in a network namespace' });
  t.throws(() => openNetlink({ ...options, groups: new Array<number>(33).fill(1) }, handlers), {
    instanceOf: TypeError,
  });
});

test('a service manager that is not there is an error', (t) => {
  t.throws(
    () => {
      notifyServiceManager('/nonexistent/notify', 'READY=1');
    },
    { code: 'ENOENT' },
  );
  t.throws(
    () => {
      notifyServiceManager('relative', 'READY=1');
    },
    { code: 'EINVAL' },
  );
});

const scenarios = {
  close: 'a process ends by itself once its socket is closed',
  'close-at-once': 'a socket may be closed with answers on their way',
  exit: 'a process may exit in the midst of work',
  reopen: 'opening and closing leaves no descriptor and no thread',
  throw: 'an exception of a listener is uncaught, not lost',
  collected: 'a socket that nobody holds any more is closed by the garbage collector',
  workers: 'worker threads may use the addon, and be terminated in the midst of work',
};
for (const [scenario, title] of Object.entries(scenarios)) {
  test(title, async (t) => {
    const parameters = ['--expose-gc', join(here, 'addon-scenarios.js'), scenario];
    const { stdout, stderr } = await run(process.execPath, parameters, { timeout: 30_000 });
    t.is(stdout + stderr, '');
  });
}

test('a missing addon names the file and the remedy', async (t) => {
  const folder = await tempFolder(t);
  await mkdir(join(folder, 'dist/src'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  for (const name of ['native.js', 'own-files.js'])
    await cp(join(here, '../../src', name), join(folder, 'dist/src', name));
  const url = pathToFileURL(join(folder, 'dist/src/native.js')).href;
  const native = (await import(url)) as { notifyServiceManager: typeof notifyServiceManager };
  const call = (): void => {
    native.notifyServiceManager('/x', 'y');
  };
  t.throws(call, { message: /flanneld\.node is missing; build it with: npm run build$/ });
  await mkdir(join(folder, 'native/build'), { recursive: true });
  await writeFile(join(folder, 'native/build/flanneld.node'), 'not a library');
  t.throws(call, { message: /does not load on this system; build it with: npm run build$/ });
});

test('the build says what to install when there is no compiler, and rebuilds only what is older', async (t) => {
  const folder = await tempFolder(t);
  await cp(join(packageRoot(), 'native'), join(folder, 'native'), {
    recursive: true,
    filter: (source) => !source.includes('/native/build/'),
  });
  await symlink(join(packageRoot(), 'node_modules'), join(folder, 'node_modules'));
  const build = (env: Record<string, string>): Promise<{ stderr: string }> =>
    run(process.execPath, [join(folder, 'native/build.mjs')], { env: { ...process.env, ...env } });
  const error = await t.throwsAsync<Error & { stderr?: string }>(build({ CC: 'no-such-compiler' }));
  t.is(
    error.stderr?.trim(),
    'native build: no C compiler (no-such-compiler); on Debian or Ubuntu run: apt-get install gcc libc6-dev',
  );
  t.is((await build({})).stderr, '');
  const target = join(folder, 'native/build/flanneld.node');
  const { mtimeMs } = await stat(target);
  await build({ CC: 'no-such-compiler' });
  t.is((await stat(target)).mtimeMs, mtimeMs);
});
