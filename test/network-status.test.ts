// The status file of a network: what is written is read back, and nothing else is.

import test from 'ava';
import fc from 'fast-check';
import {
  NETWORK_STATES,
  networkOfStatusFile,
  parseNetworkStatus,
  renderNetworkStatus,
  statusPath,
  type NetworkState,
  type NetworkStatus,
} from '../src/network-status.js';
import { holds } from './subnet/property.js';

const BLUE: NetworkStatus = {
  network: 'blue',
  prefix: '/flannel/networks/blue',
  subnetFiles: ['/run/flannel/networks/blue.env'],
  pid: 123,
  state: 'not-ready',
  reason: 'waiting for etcd: 10.0.0.1:2379 does not answer',
  since: '2026-11-26T04:00:00.000Z',
};

test('a status is written as the documents show it', (t) => {
  t.is(
    renderNetworkStatus(BLUE),
    '{"version":1,"network":"blue","prefix":"/flannel/networks/blue",' +
      '"subnetFiles":["/run/flannel/networks/blue.env"],"pid":123,"state":"not-ready",' +
      '"reason":"waiting for etcd: 10.0.0.1:2379 does not answer","since":"2026-11-26T04:00:00.000Z"}\n',
  );
});

test('every status is read back as it was written', (t) => {
  const line = fc.string({ maxLength: 50 }).map((text) => text.replace(/[\0-\x1f\x7f]/g, ''));
  const statuses = fc.record<NetworkStatus, keyof NetworkStatus>(
    {
      network: fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?$/),
      prefix: line,
      subnetFiles: fc.array(line, { maxLength: 4 }),
      pid: fc.integer({ min: 1 }),
      startTicks: fc.nat(),
      pidNamespace: line,
      state: fc.constantFrom(...NETWORK_STATES),
      reason: line,
      since: fc
        .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
        .map((date) => date.toISOString()),
    },
    { requiredKeys: ['network', 'prefix', 'subnetFiles', 'pid', 'state', 'reason', 'since'] },
  );
  holds(
    t,
    fc.property(statuses, (status) => {
      t.deepEqual({ ...parseNetworkStatus(renderNetworkStatus(status)) }, { ...status });
    }),
  );
});

test('a reason of many lines becomes one, of bounded length', (t) => {
  const read = parseNetworkStatus(renderNetworkStatus({ ...BLUE, reason: `a\n\tb\0${'c'.repeat(5_000)}` }));
  t.regex(read?.reason ?? '', /^a b c{990,}$/);
  t.true((read?.reason.length ?? 0) <= 1_000);
});

const BAD: readonly (readonly [string, object])[] = [
  ['another version', { version: 2 }],
  ['a network that leads elsewhere', { network: '../blue' }],
  ['a prefix that is no text', { prefix: 1 }],
  ['files that are no list', { subnetFiles: '/run/flannel/subnet.env' }],
  ['a file that is no text', { subnetFiles: [null] }],
  ['thousands of files', { subnetFiles: new Array(17).fill('/a') }],
  ['no pid', { pid: 0 }],
  ['a pid that is no number', { pid: '123' }],
  ['a state that nobody knows', { state: 'fine' }],
  ['a reason of two lines', { reason: 'a\nb' }],
  ['a time that is none', { since: 'yesterday' }],
];
for (const [what, fields] of BAD) {
  test(`a status with ${what} is none`, (t) => {
    const good = JSON.parse(renderNetworkStatus(BLUE)) as object;
    t.truthy(parseNetworkStatus(JSON.stringify({ ...good, later: true })));
    t.is(parseNetworkStatus(JSON.stringify({ ...good, ...fields })), undefined);
  });
}

test('whatever the file holds, reading it throws nothing', (t) => {
  for (const text of ['', 'null', '[]', '{', '1', `{"version":1,"x":"${'a'.repeat(70_000)}"}`])
    t.is(parseNetworkStatus(text), undefined);
  holds(
    t,
    fc.property(fc.json(), (text) => {
      t.is(parseNetworkStatus(text), undefined);
    }),
  );
});

test('every state can be told', (t) => {
  const states: readonly NetworkState[] = NETWORK_STATES;
  for (const state of states) t.is(parseNetworkStatus(renderNetworkStatus({ ...BLUE, state }))?.state, state);
});

test('the path has the name in it, and only a name', (t) => {
  t.is(statusPath('/run/flannel/networks', 'blue'), '/run/flannel/networks/blue.status.json');
  t.is(networkOfStatusFile('blue.status.json'), 'blue');
  t.is(networkOfStatusFile('blue.env'), undefined);
  t.is(networkOfStatusFile('.blue.status.json.12.tmp'), undefined);
  for (const name of ['', '..', '../x', 'a/b', '.a', 'a\nb'])
    t.throws(() => statusPath('/run/flannel/networks', name), { instanceOf: RangeError });
});
