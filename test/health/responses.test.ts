// What the health listener answers, as a table.

import test from 'ava';
import { DaemonHealth } from '../../src/health/daemon-health.js';
import type { Reply } from '../../src/health/bounded-http.js';
import type { LoopReport } from '../../src/health/heartbeats.js';
import { respond } from '../../src/health/responses.js';
import { FakeClock } from '../fakes/fake-clock.js';

for (const [method, url, status] of [
  ['GET', '/healthz', 200],
  ['HEAD', '/healthz', 200],
  ['GET', '/healthz?verbose', 200],
  ['GET', 'http://node:8081/healthz?x=/readyz', 200],
  ['GET', 'HTTP://node/healthz', 200],
  ['GET', '/readyz', 503],
  ['HEAD', '/readyz', 503],
  ['POST', '/readyz', 405],
  ['OPTIONS', '/healthz', 405],
  ['OPTIONS', '*', 404],
  ['GET', '/', 404],
  ['GET', '/healthz/', 404],
  ['GET', '/Healthz', 404],
  ['GET', '//healthz', 404],
  ['GET', '/%68ealthz', 404],
  ['GET', '/x/../healthz', 404],
  ['GET', '?/healthz', 404],
  ['GET', 'http://healthz', 404],
  ['POST', '/metrics', 404],
  ['GET', '', 404],
  [undefined, undefined, 404],
] as const) {
  test(`${method ?? 'nothing'} ${url ?? ''} is answered with ${status}`, (t) => {
    const response = respond(method, url, new DaemonHealth(new FakeClock()));
    t.is(response.status, status);
    t.is(response.headers['Allow'], status === 405 ? 'GET, HEAD' : undefined);
  });
}

test('healthz says ok, whatever the networks say', (t) => {
  const daemon = new DaemonHealth(new FakeClock());
  daemon.open('network').set('waiting-for-config');
  t.is(respond('GET', '/healthz', daemon).body, 'ok');
});

test('readyz is 503, 200 and 200 for not ready, degraded and ready, and says why', async (t) => {
  const clock = new FakeClock();
  const daemon = new DaemonHealth(clock);
  const network = daemon.open('network');
  const readyz = (): { status: number; body: unknown } => {
    const { status, body } = respond('GET', '/readyz', daemon);
    return { status, body: JSON.parse(body) };
  };
  await clock.advance(1_500);
  const starting = { code: 'starting', text: 'the network is being set up', seconds: 1 };
  t.deepEqual(readyz(), {
    status: 503,
    body: {
      state: 'not-ready',
      networks: [{ name: 'network', state: 'not-ready', reasons: [starting] }],
    },
  });
  network.clear('starting');
  network.set('store-unreachable', 'connection "refused"');
  await clock.advance(43_000);
  const away = {
    code: 'store-unreachable',
    text: 'etcd is not reachable (connection "refused")',
    seconds: 43,
  };
  t.deepEqual(readyz(), {
    status: 200,
    body: { state: 'degraded', networks: [{ name: 'network', state: 'degraded', reasons: [away] }] },
  });
  network.clear('store-unreachable');
  t.deepEqual(readyz(), {
    status: 200,
    body: { state: 'ready', networks: [{ name: 'network', state: 'ready', reasons: [] }] },
  });
});

test('healthz is 503 while a loop is stuck, names it and for how long, and at most twenty', (t) => {
  const daemon = new DaemonHealth(new FakeClock());
  const one = { loop: 'reconciler', network: 'blue', stuck: true, silentSeconds: 43 };
  const other = { loop: 'config watch', stuck: true, silentSeconds: 121 };
  const stuck = (loops: readonly LoopReport[]): Reply =>
    respond('GET', '/healthz', daemon, { stuck: () => loops });
  t.deepEqual([stuck([]).status, stuck([]).body], [200, 'ok']);
  const red = stuck([one, other]);
  t.is(red.status, 503);
  t.is(red.body, 'stuck: reconciler of network blue for 43 s\nstuck: config watch for 121 s\n');
  const many = stuck(Array.from({ length: 300 }, () => one)).body.split('\n');
  t.is(many.length, 22);
  t.is(many[20], 'and 280 more');
});
