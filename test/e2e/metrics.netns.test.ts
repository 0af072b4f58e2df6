// The metrics of real daemons, scraped as Prometheus scrapes: what they say agrees with the kernel and with etcd.

import test, { type ExecutionContext } from 'ava';
import type { Host } from '../../src/lab/host.js';
import { until } from '../../src/lab/until.js';
import { parseExposition } from '../helpers/exposition.js';
import { canMakeHosts, makeCluster, member } from '../helpers/lab.js';

/** As Prometheus 3 sends it. */
const ACCEPT =
  'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.1';
const ASK = `
require('node:http').get({ socketPath: process.argv[1], path: '/metrics', agent: false, headers: { accept: process.argv[2] } }, (answer) => {
  let body = '';
  answer.on('data', (part) => { body += part; });
  answer.on('end', () => process.stdout.write(JSON.stringify([answer.statusCode, answer.headers['content-type'], body])));
});
`;

/** Every sample by its name and labels. */
async function scrape(t: ExecutionContext, host: Host): Promise<Map<string, number>> {
  const text = await host.must(process.execPath, ['-e', ASK, '/run/flannel/flanneld.sock', ACCEPT]);
  const [status, type, body] = JSON.parse(text) as [number, string, string];
  t.deepEqual([status, type], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  return new Map([...parseExposition(body).values()].flatMap(({ samples }) => [...samples]));
}

test.serial('a scrape agrees with the kernel and the store, and follows what happens', async (t) => {
  if (!canMakeHosts(t)) return;
  const cluster = await makeCluster(t, 2);
  const { host } = member(cluster, 0);
  const lease = await cluster.leaseOf(host);
  const own = '{network="network"}';
  const ofKind = (name: string, kind: string): string =>
    `flanneld_kernel_${name}{network="network",kind="${kind}"}`;
  const first = await scrape(t, host);
  t.is(first.get('flanneld_network_state{network="network",state="ready"}'), 1);
  t.is(first.get(`flanneld_store_connected${own}`), 1);
  t.is(first.get(`flanneld_kernel_as_wanted${own}`), 1);
  t.is(first.get('flanneld_leases{network="network",reserved="false"}'), 2);
  t.is(first.get(`flanneld_network_mtu_bytes${own}`), 1450);
  t.true(
    first.has(
      `flanneld_network_info{network="network",backend="vxlan",subnet="${lease.subnet}",public_ip="${host.address}",device="flannel.1"}`,
    ),
  );
  for (const kind of ['link', 'address', 'route', 'neighbour', 'fdb']) {
    t.is(first.get(ofKind('wanted_objects', kind)), 1, kind);
    t.is(first.get(ofKind('own_objects', kind)), 1, kind);
    t.is(first.get(ofKind('repairs_total', kind)), 0, kind);
  }
  t.true((first.get(`flanneld_lease_remaining_seconds${own}`) ?? 0) > 86_000);
  t.true((first.get('flanneld_store_request_duration_seconds_count{}') ?? 0) > 3);
  t.true((first.get('flanneld_process_resident_memory_bytes{}') ?? 0) > 20e6);
  t.deepEqual(
    [...first].filter(([name, value]) => name.startsWith('flanneld_loop_stuck') && value !== 0),
    [],
  );
  t.true([...first.keys()].filter((name) => name.startsWith('flanneld_loop_stuck')).length >= 5);

  const route =
    (await host.must('ip', ['route'])).split('\n').find((line) => line.includes('proto 241')) ?? '';
  await host.ip([`route del ${route}`]);
  await until(async () => (await scrape(t, host)).get(ofKind('repairs_total', 'route')) === 1, {
    what: 'the repair to be counted',
    state: async () => [...(await scrape(t, host))].filter(([name]) => name.includes('repairs')),
  });
  await cluster.etcd.kill();
  await until(async () => (await scrape(t, host)).get(`flanneld_store_connected${own}`) === 0, {
    what: 'the loss of etcd to be told',
    timeoutMs: 15_000,
  });
  const away = await scrape(t, host);
  t.is(away.get('flanneld_network_state{network="network",state="degraded"}'), 1);
  t.true(
    [...away.keys()].some((name) => /reason_seconds\{.*code="store-unreachable",level="degraded"/.test(name)),
  );
});
