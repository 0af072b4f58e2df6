// The metrics of a daemon: one golden scrape, the bounds of what many peers may cost, and the rules of the format.

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { COUNTERS } from '../../src/counters.js';
import { createMetrics } from '../../src/health/metrics.js';
import { ALL_METRICS, METRICS } from '../../src/health/metrics-table.js';
import { dataplaneMetric } from '../../src/health/network-samples.js';
import { dataplaneNames } from '../../src/native.js';
import { parseExposition } from '../helpers/exposition.js';
import { metricsScene, peerDocument } from '../helpers/metrics-scene.js';
import { packageRoot } from '../helpers/package-root.js';

const GOLDEN = join(packageRoot(), 'test/fixtures/metrics.txt');

/** A scene in which something is known of everything. */
async function fullText(): Promise<string> {
  const scene = metricsScene();
  scene.peersOf.set('blue', [
    peerDocument(2, 'reachable'),
    peerDocument(3, 'reachable', 30),
    peerDocument(4, 'filtered'),
  ]);
  scene.counters.increment('repairs', 7);
  scene.store.observe(3, true);
  scene.store.observe(700, true);
  scene.store.observe(5_000, false);
  scene.heartbeats.opener('blue')('reconciler', 1_000);
  for (let count = 0; count < 2; count++) scene.heartbeats.opener()('config watch', 60_000);
  await scene.clock.advance(4_000);
  return createMetrics(scene)();
}

test('a scrape is exactly this, apart from the counters of counters.ts', async (t) => {
  const families = (await fullText()).trimEnd().split('\n\n');
  const kept = families.filter((family) => Object.hasOwn(METRICS, family.split(' ')[2] ?? ''));
  t.is(`${kept.join('\n\n')}\n`, readFileSync(GOLDEN, 'utf8'));
});

test('a scrape follows the format and the naming rules, and has every metric of the table', async (t) => {
  const families = parseExposition(await fullText());
  t.deepEqual([...families.keys()].sort(), Object.keys(ALL_METRICS).sort());
  for (const [name, { type, help }] of families) {
    t.deepEqual([type, help], [ALL_METRICS[name]?.type, ALL_METRICS[name]?.help]);
  }
});

test('every sample has exactly the labels of its row', async (t) => {
  for (const [name, { samples }] of parseExposition(await fullText())) {
    for (const key of samples.keys()) {
      const labels = [...key.matchAll(/(\w+)="/g)]
        .map(([, label = '']) => label)
        .filter((label) => label !== 'le');
      t.deepEqual(labels.sort(), [...(ALL_METRICS[name]?.labels ?? [])].sort(), key);
    }
  }
});

test('promtool has nothing to say about a scrape', async (t) => {
  if (spawnSync('promtool', ['--version']).error !== undefined) {
    t.log('not run: promtool is not installed; the strict reader stands in for it');
    t.pass();
    return;
  }
  const input = await fullText();
  t.notThrows(() => execFileSync('promtool', ['check', 'metrics'], { input }));
});

test('every counter of the daemon, and of the packet engine, has a metric', (t) => {
  for (const help of Object.values(COUNTERS))
    t.true(
      Object.values(ALL_METRICS).some((row) => row.help === help),
      help,
    );
  for (const name of Object.keys(dataplaneNames().counters).filter((counter) => !counter.startsWith('drop')))
    t.true(Object.hasOwn(METRICS, dataplaneMetric(name)), name);
});

test('two hundred peers are told one by one, more only together, whichever networks they are in', async (t) => {
  const peers = (count: number): ReturnType<typeof peerDocument>[] =>
    Array.from({ length: count }, (_, index) => peerDocument(index, 'reachable'));
  for (const [count, series, isDetailed] of [
    [200, 200, 1],
    [201, 0, 0],
    [5_000, 0, 0],
  ] as const) {
    const scene = metricsScene();
    scene.peersOf.set('blue', peers(count));
    const families = parseExposition(await createMetrics(scene)());
    t.is(families.get('flanneld_peer_reachable')?.samples.size, series);
    t.is(
      families.get('flanneld_peers_detailed')?.samples.get('flanneld_peers_detailed{network="blue"}'),
      isDetailed,
    );
    const together = families.get('flanneld_peers')?.samples;
    t.is(together?.get('flanneld_peers{network="blue",verdict="reachable"}'), count);
    const median = families.get('flanneld_peers_rtt_median_seconds')?.samples;
    t.is(
      median?.get('flanneld_peers_rtt_median_seconds{network="blue",path="overlay"}'),
      Math.floor(count / 2) / 1_000,
    );
  }
});

test('before anything is known a scrape is well-formed, too, and says nothing that is not so', async (t) => {
  const families = parseExposition(await createMetrics(metricsScene())());
  t.is(families.get('flanneld_store_last_answer_timestamp_seconds')?.samples.size, 0);
  t.is(families.get('flanneld_peers_rtt_max_seconds')?.samples.size, 0);
  t.is(families.get('flanneld_peer_reachable')?.samples.size, 0);
});

test('two scrapes at once do not meet', async (t) => {
  const metrics = createMetrics(metricsScene());
  const [one, two] = await Promise.all([metrics(), metrics()]);
  t.is(one, two);
});
