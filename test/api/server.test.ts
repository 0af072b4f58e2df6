// The API over a real socket and a real port: what is answered to whom, and what junk does: nothing.

import test from 'ava';
import {
  apiWorld,
  bodyOf,
  dial,
  freePort,
  heard,
  request,
  say,
  statusOf,
  type ApiWorld,
} from '../helpers/api.js';

const json = (answer: string): unknown => JSON.parse(bodyOf(answer)) as unknown;
const code = (answer: string): string => (json(answer) as { error: { code: string } }).error.code;
const metrics = (): Promise<string> => Promise.resolve('flanneld_up 1\n');

for (const [path, part] of [
  ['/v1/status', '"apiVersion":1'],
  ['/v1/networks/network/peers', '"subnet":"10.5.10.0/24"'],
  ['/v1/networks/netw%6frk/peers?x=y', '"network":"network"'],
  ['/v1/options', '"etcd-password":"(set)"'],
  ['/v1/counters', '"repairs":7'],
  ['/v1/log-level', '"level":0'],
  ['/v1/networks/network/wanted', 'null'],
  ['/metrics', 'flanneld_up 1'],
  ['/healthz', 'ok'],
  ['/readyz', '"state":"ready"'],
] as const) {
  test(`GET ${path} is answered on the socket and, where it is asked for, over TCP`, async (t) => {
    const { api } = await apiWorld(t, { port: await freePort(), metrics });
    for (const to of [api.socket, api.port]) {
      const answer = await say(t, to, request(path));
      t.is(statusOf(answer), '200');
      t.true(bodyOf(answer).includes(part), answer);
      t.regex(answer, /\r\nConnection: close\r\n/);
      const head = await say(t, to, request(path, 'HEAD'));
      t.deepEqual([statusOf(head), bodyOf(head)], ['200', '']);
    }
  });
}

const JSON_TYPE = 'Content-Type: application/json';
const put = (body: string, headers: readonly string[] = [JSON_TYPE]): string =>
  request('/v1/log-level', 'PUT', [...headers, `Content-Length: ${body.length}`], body);

for (const [what, bytes, status, expected] of [
  ['an unknown path', request('/v2/status'), '404', 'no-such-route'],
  ['a path above', request('/v1/../v1/status'), '404', 'no-such-route'],
  ['no path', request('*', 'OPTIONS'), '404', 'no-such-route'],
  ['an unknown network', request('/v1/networks/blue/peers'), '404', 'no-such-network'],
  ['a network of broken letters', request('/v1/networks/%ff%/peers'), '404', 'no-such-route'],
  ['metrics that there are not', request('/metrics'), '404', 'no-such-route'],
  ['another method', request('/v1/status', 'DELETE'), '405', 'method-not-allowed'],
  ['a PUT to what is only read', request('/v1/status', 'PUT', [JSON_TYPE]), '405', 'method-not-allowed'],
  ['another type wanted', request('/v1/status', 'GET', ['Accept: text/html']), '406', 'not-acceptable'],
  [
    'a body of another type',
    put('{"level":1}', ['Content-Type: text/plain']),
    '415',
    'unsupported-media-type',
  ],
  ['a body of no type', put('{"level":1}', []), '415', 'unsupported-media-type'],
  ['a body that is no JSON', put('{"level":'), '400', 'bad-request'],
  ['a level that is none', put('{"level":11}'), '400', 'bad-request'],
  ['a level as text', put('{"level":"1"}'), '400', 'bad-request'],
  [
    'a body of a gigabyte',
    request('/v1/log-level', 'PUT', [JSON_TYPE, 'Content-Length: 1000000000'], 'x'),
    '413',
    'body-too-large',
  ],
  [
    'a body without a length that goes on',
    request(
      '/v1/log-level',
      'PUT',
      [JSON_TYPE, 'Transfer-Encoding: chunked'],
      `1fff\r\n${'x'.repeat(0x1fff)}\r\n`,
    ),
    '413',
    'body-too-large',
  ],
  ['an event that has no number', request('/v1/events?since=x'), '400', 'bad-request'],
] as const) {
  test(`${what}: ${status} ${expected}`, async (t) => {
    const { api, view } = await apiWorld(t);
    const answer = await say(t, api.socket, bytes);
    t.is(statusOf(answer), status);
    t.is(code(answer), expected);
    t.is(view.level, 0);
  });
}

test('the log level is set on the socket, and on the socket alone', async (t) => {
  const { api, view } = await apiWorld(t, { port: await freePort() });
  const refused = await say(t, api.port, put('{"level":4}'));
  t.deepEqual([statusOf(refused), code(refused), view.level], ['405', 'method-not-allowed', 0]);
  t.deepEqual(json(await say(t, api.socket, put('{"level":4}'))), { level: 4 });
  t.is(view.level, 4);
});

test('a body that stops half-way is waited for no longer than the others', async (t) => {
  const { api, view } = await apiWorld(t);
  const socket = await dial(t, api.socket);
  const answer = heard(socket);
  socket.write(request('/v1/log-level', 'PUT', [JSON_TYPE, 'Content-Length: 11'], '{"lev'));
  t.notRegex(statusOf(await answer), /^2/);
  t.is(view.level, 0);
});

test('a fault of ours is 500, logged and counted, and the next question is answered', async (t) => {
  const { api, view, logger, counters } = await apiWorld(t);
  view.fault = new Error('a secret of the inside');
  const answer = await say(t, api.socket, request('/v1/status'));
  t.deepEqual([statusOf(answer), code(answer)], ['500', 'internal']);
  t.false(answer.includes('secret'));
  t.is(counters.get('apiFailures'), 1);
  t.is(logger.lines.filter(({ level }) => level === 'error').length, 1);
  view.fault = undefined;
  t.is(statusOf(await say(t, api.socket, request('/v1/status'))), '200');
});

test('readyz is 503 while the daemon is not ready', async (t) => {
  const { api, view } = await apiWorld(t);
  view.document = { ...view.document, state: 'not-ready' };
  t.is(statusOf(await say(t, api.socket, request('/readyz'))), '503');
});

const JUNK: readonly (readonly [string, string])[] = [
  ['binary garbage', '\u0000\u00ff\u0001\u0002'.repeat(500)],
  ['TLS', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'],
  ['a header of 100 kB', request('/v1/status', 'GET', [`X: ${'x'.repeat(100_000)}`])],
  [
    'ten thousand headers',
    request(
      '/v1/status',
      'GET',
      Array.from({ length: 10_000 }, () => 'a: b'),
    ),
  ],
  ['a path of 100 kB', request(`/${'x'.repeat(100_000)}`)],
  [
    'two lengths',
    request('/v1/log-level', 'PUT', [JSON_TYPE, 'Content-Length: 1', 'Content-Length: 2'], 'xx'),
  ],
  [
    'a length and chunks',
    request('/v1/log-level', 'PUT', [JSON_TYPE, 'Content-Length: 1', 'Transfer-Encoding: chunked'], 'x'),
  ],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['CONNECT', 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n'],
];

for (const [what, bytes] of JUNK) {
  test(`${what} is cut off, on the socket and over TCP, and the next one is served`, async (t) => {
    const world = await apiWorld(t, { port: await freePort() });
    for (const to of [world.api.socket, world.api.port]) {
      t.notRegex(statusOf(await say(t, to, bytes)), /^2/);
      t.is(statusOf(await say(t, to, request('/v1/status'))), '200');
    }
    t.is(world.counters.get('apiFailures'), 0);
  });
}

test('requests sent one after the other without waiting: the first is answered, the rest is not', async (t) => {
  const { api } = await apiWorld(t);
  const answer = await say(t, api.socket, request('/healthz').repeat(1_000));
  t.is(answer.split('HTTP/1.1 200').length, 2);
});

test('whoever drips bytes, says nothing, or is half gone is cut off after seconds', async (t) => {
  const { api } = await apiWorld(t, { port: await freePort() });
  const silent = await dial(t, api.socket);
  const half = await dial(t, api.port);
  half.end('GET /v1/status HTT');
  const slow = await dial(t, api.port);
  const bytes = Array.from(request('/v1/status'));
  const drip = setInterval(() => slow.write(bytes.shift() ?? ''), 500);
  t.teardown(() => {
    clearInterval(drip);
  });
  const begun = performance.now();
  const answers = await Promise.all([heard(silent), heard(half), heard(slow)]);
  for (const answer of answers) t.notRegex(statusOf(answer), /^2/);
  t.true(performance.now() - begun < 15_000);
});

test('clients that vanish in the middle of a request or an answer do no harm', async (t) => {
  const { api, counters } = await apiWorld(t, { port: await freePort() });
  for (let count = 0; count < 30; count++) {
    for (const to of [api.socket, api.port]) {
      const socket = await dial(t, to);
      socket.write(count % 2 === 0 ? 'GET /v1' : request('/v1/events?since=0'));
      if (to === api.port) socket.resetAndDestroy();
      else socket.destroy();
    }
  }
  t.is(statusOf(await say(t, api.socket, request('/v1/status'))), '200');
  t.is(counters.get('apiFailures'), 0);
});

test('more connections than 32 are closed at once, counted and told once', async (t) => {
  const { api, counters, logger } = await apiWorld(t);
  const kept = await Promise.all(Array.from({ length: 32 }, () => dial(t, api.socket)));
  for (let count = 0; count < 5; count++) t.is(await say(t, api.socket, request('/healthz')), '');
  t.is(counters.get('apiConnectionsRefused'), 5);
  t.is(logger.lines.filter(({ message }) => message === 'the local API refuses connections').length, 1);
  for (const socket of kept) socket.destroy();
  let answer = '';
  while (answer === '') answer = await say(t, api.socket, request('/healthz'));
  t.is(statusOf(answer), '200');
});

test('a reader that takes an answer too slowly is cut off', async (t) => {
  const due: (() => void)[] = [];
  const world: ApiWorld = await apiWorld(t, {
    after: (_ms, callback) => {
      due.push(callback);
      return () => undefined;
    },
  });
  const [peer] = world.view.peersOf.get('network') ?? [];
  t.truthy(peer);
  world.view.peersOf.set(
    'network',
    Array.from({ length: 20_000 }, () => peer!),
  );
  const socket = await dial(t, world.api.socket);
  socket.pause();
  socket.write(request('/v1/networks/network/peers'));
  while (due.length === 0) await new Promise(setImmediate);
  due[0]?.();
  t.true((await heard(socket.resume())).length < 1_000_000);
  t.is(world.counters.get('apiReadersCut'), 1);
});

test('a stop cuts everybody off at once, and may be repeated', async (t) => {
  const { api } = await apiWorld(t, { port: await freePort() });
  const reader = await dial(t, api.socket);
  reader.write(request('/v1/events'));
  const silent = await dial(t, api.port);
  await say(t, api.socket, request('/healthz'));
  await say(t, api.port, request('/healthz'));
  const begun = performance.now();
  const cut = Promise.all([heard(reader), heard(silent)]);
  await Promise.all([api.stop(), api.stop()]);
  await cut;
  t.true(performance.now() - begun < 1_000);
});
