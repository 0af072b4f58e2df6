// The ledger of leases: what it makes of keys and values, and that it finds what must never be.

import test from 'ava';
import type { Followed } from '../../src/lab/etcd-follower.js';
import { LeaseLedger, type Notice } from './lease-ledger.js';

const PREFIX = '/coreos.com/network/subnets/';
const value = (owner: string, mac = '02:00:00:00:00:01'): string =>
  JSON.stringify({
    PublicIP: owner,
    PublicIPv6: null,
    BackendType: 'vxlan',
    BackendData: { VNI: 1, VtepMAC: mac },
  });

let revision = 0;
function put(name: string, text: string, lease = '7'): Followed {
  revision++;
  return {
    kind: 'put',
    at: revision,
    revision,
    key: { key: `${PREFIX}${name}`, value: text, lease, revision },
  };
}
function remove(name: string): Followed {
  revision++;
  return { kind: 'delete', at: revision, revision, name: `${PREFIX}${name}` };
}

/** What a ledger says to these changes, in short. */
function told(...lines: readonly Followed[]): string[] {
  const ledger = new LeaseLedger(PREFIX);
  return lines.flatMap((line) => ledger.follow(line)).map(short);
}

function short(notice: Notice): string {
  return 'what' in notice
    ? `${notice.kind}: ${notice.what}`
    : `${notice.kind} ${notice.lease.subnet.text} ${notice.lease.owner}`;
}

test('a lease appears, is renewed without a word, changes, and vanishes', (t) => {
  t.deepEqual(
    told(
      put('10.5.1.0-24', value('192.168.50.1')),
      put('10.5.1.0-24', value('192.168.50.1')),
      put('10.5.1.0-24', value('192.168.50.1', '02:00:00:00:00:02')),
      remove('10.5.1.0-24'),
      remove('10.5.1.0-24'),
    ),
    [
      'appeared 10.5.1.0/24 192.168.50.1',
      'changed 10.5.1.0/24 192.168.50.1',
      'vanished 10.5.1.0/24 192.168.50.1',
    ],
  );
});

test('two leases that share an address overlap, whatever their lengths', (t) => {
  const first = put('10.5.1.0-24', value('192.168.50.1'));
  t.deepEqual(told(first, put('10.5.1.128-25', value('192.168.50.2'))).slice(-1), [
    'overlap: 10.5.1.128/25 of 192.168.50.2 and 10.5.1.0/24 of 192.168.50.1 overlap',
  ]);
  t.regex(told(first, put('10.5.0.0-22', value('192.168.50.2'))).at(-1) ?? '', /^overlap/);
  t.notRegex(told(first, put('10.5.2.0-24', value('192.168.50.2'))).join(), /overlap/);
  t.notRegex(
    told(first, remove('10.5.1.0-24'), put('10.5.1.128-25', value('192.168.50.2'))).join(),
    /overlap/,
    'one after the other is right',
  );
});

test('a lease written over by another node while it is alive is stolen', (t) => {
  t.regex(
    told(put('10.5.1.0-24', value('192.168.50.1')), put('10.5.1.0-24', value('192.168.50.2'))).join(),
    /stolen: 10\.5\.1\.0\/24 of 192\.168\.50\.1 was written over by 192\.168\.50\.2/,
  );
});

test('a value that becomes unreadable stays its owner’s, and still overlaps', (t) => {
  for (const rubbish of ['', '{', 'null', '{"PublicIP":42}', '['.repeat(200_000)]) {
    const lines = told(
      put('10.5.1.0-24', value('192.168.50.1')),
      put('10.5.1.0-24', rubbish),
      put('10.5.1.0-25', value('192.168.50.2')),
      put('10.5.1.0-24', value('192.168.50.1')),
    );
    t.deepEqual(lines, [
      'appeared 10.5.1.0/24 192.168.50.1',
      'unreadable 10.5.1.0/24 192.168.50.1',
      'appeared 10.5.1.0/25 192.168.50.2',
      'overlap: 10.5.1.0/25 of 192.168.50.2 and 10.5.1.0/24 of 192.168.50.1 overlap',
      'changed 10.5.1.0/24 192.168.50.1',
    ]);
  }
});

test('rubbish in a place that is nobody’s is no lease', (t) => {
  t.deepEqual(told(put('10.5.1.0-24', 'x'), put('10.5.999.0-24', value('192.168.50.1')), put('x', '')), []);
});

test('a listing stands for every change that was missed', (t) => {
  const ledger = new LeaseLedger(PREFIX);
  ledger.follow(put('10.5.1.0-24', value('192.168.50.1')));
  ledger.follow(put('10.5.2.0-24', value('192.168.50.2')));
  const key = { key: `${PREFIX}10.5.3.0-24`, value: value('192.168.50.3'), lease: '7', revision: 99 };
  const kept = { key: `${PREFIX}10.5.2.0-24`, value: value('192.168.50.2'), lease: '7', revision: 2 };
  const notices = ledger.follow({ kind: 'listing', at: 99, revision: 99, keys: [kept, key] });
  t.deepEqual(notices.map(short), ['vanished 10.5.1.0/24 192.168.50.1', 'appeared 10.5.3.0/24 192.168.50.3']);
  t.deepEqual(
    ledger.leases.map(({ subnet }) => subnet.text),
    ['10.5.2.0/24', '10.5.3.0/24'],
  );
});
