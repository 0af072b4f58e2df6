// Asking a daemon: the answers of a real one, and what is said of one that is not there, not for us, older, half-started, or
// none at all.

import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ask, askAll, askText, put } from '../../src/api/client.js';
import { isDocument } from '../../src/api/documents.js';
import { ApiError } from '../../src/api/errors.js';
import { findSockets } from '../../src/api/find-sockets.js';
import { FakeDaemonView } from '../fakes/daemon-view.js';
import { apiWorld } from '../helpers/api.js';
import { tempFolder } from '../helpers/temp-folder.js';
import { holds } from '../subnet/property.js';

/** The path of a socket at which each connection is handed to `serve`. */
async function listener(t: ExecutionContext, serve: (socket: Socket) => void): Promise<string> {
  const path = join(await tempFolder(t), 'flanneld.sock');
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    serve(socket);
  }).listen(path);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return path;
}

/** At which everything is answered with these bytes. */
const saying = (t: ExecutionContext, bytes: string): Promise<string> =>
  listener(t, (socket) => {
    socket.once('data', () => socket.end(bytes));
  });

const answer = (status: number, body: string): string =>
  `HTTP/1.1 ${status} x\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

test('a daemon’s documents arrive as they are, and the log level is put', async (t) => {
  const { api, view } = await apiWorld(t, { metrics: () => Promise.resolve('up 1\n') });
  const socket = api.socket ?? '';
  t.deepEqual(await ask(socket, '/v1/status'), view.status());
  t.is((await ask(socket, '/v1/networks/network/peers')).peers[0]?.subnet, '10.5.10.0/24');
  t.deepEqual(await ask(socket, '/v1/counters'), { repairs: 7 });
  t.deepEqual(await put(socket, '/v1/log-level', { level: 4 }), { level: 4 });
  t.is(view.level, 4);
  t.is(await askText(socket, '/metrics'), 'up 1\n');
});

test('what the daemon refuses is said in its words', async (t) => {
  const { api } = await apiWorld(t);
  const error = await t.throwsAsync(ask(api.socket ?? '', '/v1/networks/blue/peers'), { code: 'refused' });
  t.is(error.message, `flanneld at ${api.socket}: no network "blue": there is network`);
});

test('nobody there: no file, a socket nobody listens to, a plain file', async (t) => {
  const folder = await tempFolder(t);
  const file = join(folder, 'file.sock');
  writeFileSync(file, '');
  for (const path of [join(folder, 'none.sock'), file, join(file, 'below')]) {
    const error = await t.throwsAsync(ask(path, '/v1/status'), { instanceOf: ApiError, code: 'no-daemon' });
    t.is(
      error.message,
      `no flanneld answers at ${path}; is it running? systemctl status flanneld (another place: --socket)`,
    );
    t.is(error.exitCode, 3);
  }
});

/** Root alone can become somebody else. */
const asRoot = process.geteuid?.() === 0 ? test.serial : test.skip;

asRoot('a socket that is not for this user names the remedy, and the group that has rights', async (t) => {
  const { api, folder } = await apiWorld(t);
  chmodSync(folder, 0o755);
  const socket = api.socket ?? '';
  const asNobody = async (): Promise<ApiError> => {
    const groups = process.getgroups?.() ?? [];
    process.setgroups?.([]);
    process.setegid?.(65_534);
    process.seteuid?.(65_534);
    try {
      await ask(socket, '/v1/status');
    } catch (error) {
      return error as ApiError;
    } finally {
      process.seteuid?.(0);
      process.setegid?.(0);
      process.setgroups?.(groups);
    }
    throw new Error('it was answered');
  };
  const error = await asNobody();
  t.is(error.code, 'not-permitted');
  t.regex(error.message, /is not for this user: run as root, or let flanneld make .* \(-socket-group\)$/);
  chmodSync(socket, 0o660);
  t.regex((await asNobody()).message, /run as root, or join the group with the id 0$/);
});

for (const [what, bytes, code, message] of [
  [
    'an unknown path',
    answer(404, ''),
    'daemon-too-old',
    /is older than this command .* systemctl restart flanneld$/,
  ],
  [
    'an unknown path, as JSON',
    answer(404, '{"error":{"code":"no-such-route","message":"x"}}'),
    'daemon-too-old',
    /is older than this command/,
  ],
  ['no version', answer(200, '{"networks":[]}'), 'daemon-too-old', /is older than this command/],
  [
    'a lower version',
    answer(200, '{"apiVersion":0,"version":"0.0.1"}'),
    'daemon-too-old',
    / \(0\.0\.1\) is older than this command/,
  ],
  ['a higher version', answer(200, '{"apiVersion":2}'), 'daemon-too-new', /is newer than this command/],
  ['HTML', answer(200, '<html>'), 'bad-answer', /is no document of flanneld's/],
  ['half a document', answer(200, '{"apiVersion":1}'), 'bad-answer', /is no document of flanneld's/],
  ['a failure without a reason', answer(502, 'bad gateway'), 'bad-answer', /HTTP status 502/],
  [
    'a redirection',
    'HTTP/1.1 301 x\r\nLocation: /\r\nContent-Length: 0\r\n\r\n',
    'bad-answer',
    /HTTP status 301/,
  ],
  ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', 'bad-answer', /does not speak HTTP/],
  ['a header without end', `HTTP/1.1 200 x\r\nX: ${'x'.repeat(20_000)}`, 'bad-answer', /does not speak HTTP/],
  ['nothing, and closed', '', 'no-answer', /hangs up/],
  ['half an answer', 'HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\n{', 'no-answer', /hangs up/],
  [
    'an error with escape sequences',
    answer(400, JSON.stringify({ error: { code: 'x', message: 'a\u001b[31mb\nc' } })),
    'refused',
    /: a \[31mb c$/,
  ],
] as const) {
  test(`${what} is answered: ${code}`, async (t) => {
    const path = await saying(t, bytes);
    const error = await t.throwsAsync(ask(path, '/v1/status'), { instanceOf: ApiError, code });
    t.regex(error.message, message);
    t.true(error.message.includes(path) && !/\n/.test(error.message));
  });
}

test('a daemon that takes connections and says nothing is given up after seconds', async (t) => {
  const path = await listener(t, () => undefined);
  const begun = performance.now();
  const error = await t.throwsAsync(ask(path, '/v1/status'), { code: 'no-answer' });
  t.regex(
    error.message,
    /does not answer within 5 s; it may be starting, ending or stuck: systemctl status flanneld/,
  );
  t.true(performance.now() - begun < 15_000);
});

test('an answer that drips is given up after seconds too', async (t) => {
  const path = await listener(t, (socket) => {
    socket.write('HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const drip = setInterval(() => socket.write('1\r\n \r\n'), 200);
    socket.once('close', () => {
      clearInterval(drip);
    });
  });
  await t.throwsAsync(ask(path, '/v1/status'), { code: 'no-answer' });
});

test.serial('an answer without end is cut off at a bound', async (t) => {
  const chunk = Buffer.alloc(1 << 20, ' ');
  const path = await listener(t, (socket) => {
    socket.write('HTTP/1.1 200 x\r\n\r\n');
    const pour = (): void => {
      while (socket.writable && socket.write(chunk));
    };
    socket.on('drain', pour);
    pour();
  });
  const error = await t.throwsAsync(ask(path, '/v1/status'), { code: 'bad-answer' });
  t.regex(error.message, /more than 33554432 bytes/);
});

test('all daemons of the host are asked; a dead one’s socket and other files are passed over', async (t) => {
  const first = await apiWorld(t);
  const { folder } = first;
  await apiWorld(t, { folder, name: 'red' });
  writeFileSync(join(folder, 'flanneld-file.sock'), '');
  mkdirSync(join(folder, 'flanneld-folder.sock'));
  t.deepEqual(await findSockets(undefined, folder), [
    join(folder, 'flanneld-red.sock'),
    join(folder, 'flanneld.sock'),
  ]);
  t.deepEqual(await findSockets('/named', folder), ['/named']);
  const answers = await askAll(first.api.socket, '/v1/status');
  t.deepEqual(
    answers.map(({ socket }) => socket),
    [first.api.socket],
  );
});

test('a host without a daemon, or without the folder: no-daemon', async (t) => {
  const folder = await tempFolder(t);
  for (const place of [folder, join(folder, 'none')])
    await t.throwsAsync(findSockets(undefined, place), { instanceOf: ApiError, code: 'no-daemon' });
});

test('no value that is not a document is taken for one, and none throws', (t) => {
  const view = new FakeDaemonView();
  t.true(isDocument('/v1/status', view.status()));
  const paths = ['/v1/status', '/v1/networks/x/peers', '/v1/networks/x/leases', '/v1/log-level'] as const;
  holds(
    t,
    fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
      t.false(isDocument(path, value));
    }),
  );
  const keys = Object.keys(view.status()).filter((key) => key !== 'apiVersion');
  for (const key of keys) {
    t.false(isDocument('/v1/status', { ...view.status(), [key]: { wrong: true } }), key);
    t.false(
      isDocument('/v1/status', { ...view.status(), networks: [{ ...view.status().networks[0], name: 1 }] }),
    );
  }
});
