// The health listener over real loopback sockets: what it answers, whom it cuts off, and how it stops.

import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import { DaemonHealth } from '../../src/health/daemon-health.js';
import { openHealthListener, type HealthListener } from '../../src/health/listener.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

const IP = '127.0.0.1';

interface World {
  readonly listener: HealthListener;
  readonly logger: RecordingLogger;
  readonly counters: Counters;
  readonly health: DaemonHealth;
}

/** A listener on a free port, closed at the end of the test. */
async function world(t: ExecutionContext, ip = IP): Promise<World> {
  const parts = {
    health: new DaemonHealth(systemClock),
    clock: systemClock,
    logger: new RecordingLogger(),
    counters: new Counters(),
  };
  const listener = await openHealthListener({ ip, port: 0 }, parts);
  t.teardown(() => listener.stop());
  return { ...parts, listener };
}

async function dial(t: ExecutionContext, { listener }: World, host = IP): Promise<Socket> {
  const socket = connect(listener.port, host);
  // A connection that is cut off may end with an error; `closed` and `heard` tell what matters.
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Everything the other side says until it closes. */
async function heard(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
  return text;
}

async function ask(t: ExecutionContext, to: World, request: string): Promise<string> {
  const socket = await dial(t, to);
  const answer = heard(socket);
  socket.write(request);
  return answer;
}
const get = (path: string, method = 'GET'): string => `${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
const statusOf = (answer: string): string => /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? answer;

test('readyz and healthz are answered, and the connection is closed after', async (t) => {
  const w = await world(t);
  const network = w.health.open('network');
  t.is(statusOf(await ask(t, w, get('/readyz'))), '503');
  network.clear('starting');
  const ready = await ask(t, w, get('/readyz'));
  t.is(statusOf(ready), '200');
  t.regex(ready, /\r\nContent-Type: application\/json\r\n/);
  t.regex(ready, /\r\nCache-Control: no-store\r\n/);
  t.regex(ready, /\r\nConnection: close\r\n/);
  t.true(
    ready.endsWith(
      '\r\n\r\n{"state":"ready","networks":[{"name":"network","state":"ready","reasons":[]}]}\n',
    ),
  );
  const alive = await ask(t, w, get('/healthz?verbose'));
  t.is(statusOf(alive), '200');
  t.true(alive.endsWith('\r\n\r\nok'));
  t.is(statusOf(await ask(t, w, get('/metrics'))), '404');
});

test('healthz is 503 with the name of the loop while one is stuck, and 200 again when none is', async (t) => {
  const w = await world(t);
  const stuck = [{ loop: 'reconciler', network: 'blue', stuck: true, silentSeconds: 77 }];
  const parts = { ...w, clock: systemClock, heartbeats: { stuck: () => [...stuck] } };
  const listener = await openHealthListener({ ip: IP, port: 0 }, parts);
  t.teardown(() => listener.stop());
  const red = await ask(t, { ...w, listener }, get('/healthz'));
  t.is(statusOf(red), '503');
  t.true(red.endsWith('\r\n\r\nstuck: reconciler of network blue for 77 s\n'));
  stuck.length = 0;
  t.is(statusOf(await ask(t, { ...w, listener }, get('/healthz'))), '200');
});

test('HEAD has the header of GET and no body', async (t) => {
  const w = await world(t);
  const answer = await ask(t, w, get('/healthz', 'HEAD'));
  t.is(statusOf(answer), '200');
  t.regex(answer, /\r\nContent-Length: 2\r\n/);
  t.true(answer.endsWith('\r\n\r\n'));
});

test('another method is refused with those there are, and its body is not read', async (t) => {
  const w = await world(t);
  const answer = await ask(t, w, 'POST /readyz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc');
  t.is(statusOf(answer), '405');
  t.regex(answer, /\r\nAllow: GET, HEAD\r\n/);
});

test('a second request on a connection is not answered', async (t) => {
  const w = await world(t);
  const answer = await ask(t, w, get('/healthz') + get('/healthz'));
  t.is(answer.split('HTTP/1.1 200').length, 2);
});

for (const [what, request, status] of [
  ['garbage', '\u0000\u0001\u0002 nonsense\r\n\r\n', '400'],
  ['another protocol', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001', '400'],
  ['a header beyond the limit', `GET /healthz HTTP/1.1\r\nX: ${'x'.repeat(5_000)}\r\n\r\n`, '431'],
  ['a path beyond the limit', get(`/${'x'.repeat(5_000)}`), '431'],
  [
    'two lengths',
    'GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    '400',
  ],
  ['a request without a host', 'GET /healthz HTTP/1.1\r\n\r\n', '400'],
] as const) {
  test(`${what}: ${status}, and the next one is served`, async (t) => {
    const w = await world(t);
    t.is(statusOf(await ask(t, w, request)), status);
    t.is(statusOf(await ask(t, w, get('/healthz'))), '200');
  });
}

test('CONNECT and an upgrade lead nowhere', async (t) => {
  const w = await world(t);
  t.is(await ask(t, w, 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n'), '');
  const upgrade = 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
  t.is(statusOf(await ask(t, w, upgrade)), '200');
});

test('a client that sends a byte now and then is cut off after seconds', async (t) => {
  const w = await world(t);
  const socket = await dial(t, w);
  const begun = performance.now();
  const answer = heard(socket);
  const bytes = Array.from(get('/healthz'));
  const drip = setInterval(() => socket.write(bytes.shift() ?? ''), 500);
  t.teardown(() => {
    clearInterval(drip);
  });
  t.is(statusOf(await answer), '408');
  t.true(performance.now() - begun > 4_000);
  t.true(performance.now() - begun < 15_000);
});

test('a client that says nothing is cut off after seconds', async (t) => {
  const w = await world(t);
  const begun = performance.now();
  await heard(await dial(t, w));
  t.true(performance.now() - begun > 4_000);
  t.true(performance.now() - begun < 15_000);
});

test('a client that goes away in the middle of its request does no harm', async (t) => {
  const w = await world(t);
  for (let count = 0; count < 50; count++) {
    const socket = await dial(t, w);
    socket.write('GET /hea');
    socket.resetAndDestroy();
  }
  t.is(statusOf(await ask(t, w, get('/healthz'))), '200');
  t.is(w.counters.get('healthConnectionsRefused'), 0);
});

test('more connections than 32 are closed at once, told once, counted, and served when there is room', async (t) => {
  const w = await world(t);
  const kept = await Promise.all(Array.from({ length: 32 }, () => dial(t, w)));
  for (let count = 0; count < 20; count++) t.is(await ask(t, w, get('/healthz')), '');
  t.is(w.counters.get('healthConnectionsRefused'), 20);
  t.is(w.logger.lines.filter(({ level }) => level === 'warn').length, 1);
  for (const socket of kept) socket.destroy();
  let answer = '';
  while (answer === '') answer = await ask(t, w, get('/healthz'));
  t.is(statusOf(answer), '200');
});

test('a stop during a request, and with silent clients, is quick and leaves nothing', async (t) => {
  const w = await world(t);
  const slow = await dial(t, w);
  slow.write('GET /healthz HTTP/1.1\r\n');
  const silent = await dial(t, w);
  const cut = Promise.all([heard(slow), heard(silent)]);
  // Both are accepted once a third, who came after them, has an answer.
  await ask(t, w, get('/healthz'));
  const begun = performance.now();
  await w.listener.stop();
  t.deepEqual(await cut, ['', '']);
  t.true(performance.now() - begun < 1_000);
  const late = connect(w.listener.port, IP);
  const [error] = (await once(late, 'error')) as [NodeJS.ErrnoException];
  t.is(error.code, 'ECONNREFUSED');
});

test('a second stop does nothing', async (t) => {
  const w = await world(t);
  await Promise.all([w.listener.stop(), w.listener.stop()]);
  await w.listener.stop();
  t.pass();
});

test('a port that is taken is refused, naming it and the remedy', async (t) => {
  const other = createServer().listen(0, IP);
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  const { logger, counters, health } = await world(t);
  const error = await t.throwsAsync(
    openHealthListener({ ip: IP, port }, { logger, counters, health, clock: systemClock }),
    { name: 'ListenError', code: 'port-taken' },
  );
  t.is(
    error.message,
    `the health listener cannot be opened at 127.0.0.1:${port}: another program listens there; stop it or give another -healthz-port`,
  );
});

for (const ip of ['192.0.2.77', '2001:db8::77', 'fe80::1%nosuch']) {
  test(`${ip} is refused: no interface of this host has it`, async (t) => {
    const { logger, counters, health } = await world(t);
    const parts = { logger, counters, health, clock: systemClock };
    const error = await t.throwsAsync(openHealthListener({ ip, port: 0 }, parts), {
      code: 'address-unusable',
    });
    t.regex(error.message, /give .* -healthz-ip$/);
  });
}

for (const ip of ['999.1.1.1', 'localhost', '10.0.0.1\n', ' ']) {
  test(`${JSON.stringify(ip)} is refused as no address, without a look-up`, async (t) => {
    const { logger, counters, health } = await world(t);
    const parts = { logger, counters, health, clock: systemClock };
    const error = await t.throwsAsync(openHealthListener({ ip, port: 0 }, parts), {
      code: 'address-unusable',
    });
    t.regex(error.message, /^the health listener .* is no IP address; give one of this host$/);
  });
}

test('an empty address means all of them', async (t) => {
  const w = await world(t, '');
  t.is(statusOf(await ask(t, w, get('/healthz'))), '200');
  t.regex(w.logger.lines[0]?.fields.endpoint ?? '', /^:\d+$/);
});
