// Where a daemon's socket is: beside those of others, with its rights, never in anybody's way, and gone at the end.

import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { spawn } from 'node:child_process';
import test from 'ava';
import { apiWorld, freePort, request, say, statusOf } from '../helpers/api.js';
import { packageRoot } from '../helpers/package-root.js';
import { tempFolder } from '../helpers/temp-folder.js';

const rights = (path: string): number => lstatSync(path).mode & 0o777;

test('the socket is root’s alone, and gone after a stop, its folder made and kept', async (t) => {
  const folder = join(await tempFolder(t), 'a', 'b');
  const { api } = await apiWorld(t, { folder });
  const path = join(folder, 'flanneld.sock');
  t.is(api.socket, path);
  t.is(rights(path), 0o600);
  t.deepEqual(readdirSync(folder), ['.flanneld.sock.lock', 'flanneld.sock']);
  await api.stop();
  t.deepEqual(readdirSync(folder), ['.flanneld.sock.lock']);
});

test('a group may use it too, by name or by number', async (t) => {
  const gid = String(process.getgid?.());
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((text) => text.split(':')[2] === gid);
  const [name = gid] = line?.split(':') ?? [];
  for (const group of [name, gid]) {
    const { api } = await apiWorld(t, { group });
    const status = lstatSync(api.socket ?? '');
    t.deepEqual([status.mode & 0o777, status.gid], [0o660, Number(gid)]);
  }
});

for (const group of ['no-such-group', '4294967295', 'x:y', '\n']) {
  test(`a group that there is not, ${JSON.stringify(group)}, ends the start with a clear error`, async (t) => {
    const folder = await tempFolder(t);
    const error = await t.throwsAsync(apiWorld(t, { folder, group }), {
      name: 'ApiError',
      code: 'no-such-group',
    });
    t.regex(error.message, /^there is no group ".*" in \/etc\/group; make it/);
    t.deepEqual(readdirSync(folder), []);
  });
}

test('a second daemon takes a socket of its own name, and each removes its own', async (t) => {
  const first = await apiWorld(t, { name: 'red' });
  const { folder } = first;
  const second = await apiWorld(t, { folder, name: 'a/b c' });
  t.is(second.api.socket, join(folder, 'flanneld-a_b_c.sock'));
  t.like(second.logger.lines[0], { message: 'another daemon has the socket, this one takes another' });
  await first.api.stop();
  t.is(statusOf(await say(t, second.api.socket, request('/healthz'))), '200');
  const third = await apiWorld(t, { folder, name: 'red' });
  t.is(third.api.socket, join(folder, 'flanneld.sock'));
  await second.api.stop();
  t.is(statusOf(await say(t, third.api.socket, request('/healthz'))), '200');
});

test('where both names are taken the daemon goes on without, and says so', async (t) => {
  const { folder } = await apiWorld(t);
  await apiWorld(t, { folder });
  const { api, logger, counters } = await apiWorld(t, { folder });
  t.is(api.socket, undefined);
  t.like(logger.lines[0], {
    level: 'warn',
    message: 'going on without the socket of the local API',
    fields: { code: 'no-socket', remedy: 'give another -socket' },
  });
  t.is(counters.get('apiSocketMissing'), 1);
});

test('what a killed daemon has left is replaced', async (t) => {
  const folder = await tempFolder(t);
  const path = join(folder, 'flanneld.sock');
  const code = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', code]), 'exit');
  t.true(lstatSync(path).isSocket());
  const { api } = await apiWorld(t, { folder });
  t.is(api.socket, path);
  t.is(statusOf(await say(t, path, request('/healthz'))), '200');
});

test('a living program that is no flanneld keeps its socket', async (t) => {
  const folder = await tempFolder(t);
  const path = join(folder, 'flanneld.sock');
  const other = createServer().listen(path);
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { api } = await apiWorld(t, { folder });
  t.is(api.socket, join(folder, 'flanneld-blue.sock'));
  await api.stop();
  t.true(existsSync(path));
});

for (const [what, make, reason] of [
  [
    'a file',
    (path: string) => {
      writeFileSync(path, 'precious');
    },
    /is there and is no socket/,
  ],
  [
    'a folder',
    (path: string) => {
      mkdirSync(path);
    },
    /is there and is no socket/,
  ],
  [
    'a link',
    (path: string) => {
      symlinkSync('/nowhere', path);
    },
    /is there and is no socket/,
  ],
] as const) {
  test(`${what} at the path stays, and the daemon goes on without a socket`, async (t) => {
    const folder = await tempFolder(t);
    const path = join(folder, 'flanneld.sock');
    make(path);
    const before = lstatSync(path);
    const { api, logger, counters } = await apiWorld(t, { folder });
    t.is(api.socket, undefined);
    t.regex(logger.lines[0]?.fields.reason ?? '', reason);
    t.is(logger.lines[0]?.fields.remedy, 'remove it');
    t.is(counters.get('apiSocketMissing'), 1);
    await api.stop();
    t.is(lstatSync(path).ino, before.ino);
  });
}

for (const [what, place, reason, remedy] of [
  [
    'a path of 108 bytes',
    (folder: string) => join(folder, 'x'.repeat(107 - folder.length)),
    /108 bytes, and a socket’s path 107/,
    /shorter/,
  ],
  ['a folder below a file', () => '/etc/hostname/flanneld.sock', /\(ENOTDIR\)/, /make .* a folder/],
  [
    'a folder that is not for us',
    () => '/sys/kernel/flanneld/flanneld.sock',
    /\((EPERM|EACCES|EROFS)\)/,
    /let flanneld write to/,
  ],
  [
    'a folder that no one can write to',
    () => '/proc/flanneld/flanneld.sock',
    /cannot be made/,
    /give another -socket/,
  ],
] as const) {
  test(`${what}: a warning with a remedy, and on without a socket`, async (t) => {
    const { api, logger } = await apiWorld(t, { socket: place(await tempFolder(t)) });
    t.is(api.socket, undefined);
    t.regex(logger.lines[0]?.fields.reason?.replace(/'/g, '’') ?? '', reason);
    t.regex(logger.lines[0]?.fields.remedy ?? '', remedy);
  });
}

test('a path of 107 bytes is not too long', async (t) => {
  const folder = await tempFolder(t);
  const socket = join(folder, 'x'.repeat(106 - folder.length));
  t.is(Buffer.byteLength(socket), 107);
  const { api } = await apiWorld(t, { socket });
  t.is(api.socket, socket);
});

test('an empty -socket is none, and no warning', async (t) => {
  const { api, logger } = await apiWorld(t, { socket: '' });
  t.is(api.socket, undefined);
  t.deepEqual(logger.lines, []);
});

const STARTER = `
const [root, folder, name] = process.argv.slice(1);
const { openApi } = await import(root + '/dist/src/api/open.js');
const { lockFile } = await import(root + '/dist/src/native.js');
const { Counters } = await import(root + '/dist/src/counters.js');
const { systemClock } = await import(root + '/dist/src/clock.js');
const quiet = () => undefined;
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const api = await openApi(
  { socket: folder + '/flanneld.sock', group: '', ip: '', port: 0, name },
  { view: { health: quiet }, clock: systemClock, logger, counters: new Counters(), lock: (path) => lockFile(path, '') },
);
process.stdout.write(api.socket + '\\n');
process.stdin.on('end', () => api.stop().then(() => process.exit())).resume();
`;

test('eight that start at the same moment, with a stale socket there, all have one of their own', async (t) => {
  const folder = await tempFolder(t);
  const path = join(folder, 'flanneld.sock');
  const left = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', left]), 'exit');
  const daemons = Array.from({ length: 8 }, (_, index) =>
    spawn(process.execPath, ['--input-type=module', '-e', STARTER, packageRoot(), folder, `n${index}`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  t.teardown(() => {
    for (const daemon of daemons) daemon.kill('SIGKILL');
  });
  const sockets = await Promise.all(
    daemons.map(async ({ stdout }) => String(((await once(stdout, 'data')) as [Buffer])[0]).trim()),
  );
  t.is(new Set(sockets).size, 8);
  t.true(sockets.includes(path));
  for (const socket of sockets) t.is(statusOf(await say(t, socket, request('/healthz'))), '200', socket);
  for (const daemon of daemons) {
    const ended = once(daemon, 'exit');
    daemon.stdin.end();
    await ended;
  }
  t.deepEqual(
    readdirSync(folder).filter((name) => !name.endsWith('.lock')),
    [],
  );
});

test('a TCP address that cannot be had ends the start, and leaves no socket', async (t) => {
  const folder = await tempFolder(t);
  const port = await freePort();
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const error = await t.throwsAsync(apiWorld(t, { folder, port }), {
    name: 'ListenError',
    code: 'port-taken',
  });
  t.is(
    error.message,
    `the API listener cannot be opened at 127.0.0.1:${port}: another program listens there; stop it or give another -api-port`,
  );
  await t.throwsAsync(apiWorld(t, { folder, port, ip: 'localhost' }), { code: 'address-unusable' });
  t.deepEqual(readdirSync(folder), []);
});
