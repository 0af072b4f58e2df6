// What reserving, releasing and revoking a subnet come to, by what the store shows.

import test from 'ava';
import {
  releaseAction,
  reserveAction,
  revokeAction,
  type LeaseAction,
} from '../../src/commands/lease-actions.js';
import { subnetFacts, type LeaseView } from '../../src/commands/lease-subnet.js';
import { CommandError } from '../../src/commands/errors.js';
import { ip } from '../../src/subnet/cidr.js';
import type { LeaseRecord } from '../../src/subnet/lease.js';
import { lease } from '../helpers/leases.js';

const SUBNET = '10.5.9.0/24';
const KEY = '10.5.9.0-24';
const PRESENCE = { nodeId: 'n1', host: 'web1', bootId: 'b', instance: 'i', publicIp: '192.168.50.2' };

interface Sketch {
  readonly node?: string;
  readonly publicIp?: string;
  readonly reserved?: boolean;
  readonly alive?: boolean;
  readonly used?: boolean;
  readonly revokedFrom?: string;
}

function view(
  { node, publicIp = '192.168.50.2', reserved = false, alive = false, used = false, revokedFrom }: Sketch,
  withLease = true,
): LeaseView {
  const plain = lease({ subnet: SUBNET, publicIp, etcdLease: reserved ? 0n : 7n });
  const record: LeaseRecord =
    node === undefined ? plain : { ...plain, attributes: { ...plain.attributes, nodeId: node } };
  return {
    listing: { revision: 9n, records: withLease ? [record] : [], unreadable: [] },
    past: {
      used: new Map(used ? [[KEY, 4n]] : []),
      revoked: new Map(revokedFrom === undefined ? [] : [[KEY, revokedFrom]]),
    },
    alive: new Map(alive && node !== undefined ? [[node, PRESENCE]] : []),
  };
}

function kindOf(action: LeaseAction): string {
  return action.kind === 'do' ? action.change.kind : action.kind;
}

test('reserving', (t) => {
  const reserve = (sketch: Sketch, holder = {}, withLease = true): string => {
    const seen = view(sketch, withLease);
    return kindOf(reserveAction(subnetFacts(SUBNET, seen), seen, holder));
  };
  t.is(reserve({}, {}, false), 'create', 'for nobody');
  t.is(reserve({}, { nodeId: 'n1' }, false), 'create', 'for a node');
  t.is(reserve({ node: 'n1' }), 'make-lasting', 'for its holder');
  t.is(reserve({ node: 'n1' }, { nodeId: 'n1' }), 'make-lasting', 'for its holder, by name');
  t.is(reserve({ node: 'n1' }, { nodeId: 'n2' }), 'refused', 'for another node');
  t.is(reserve({}, { publicIp: ip('192.168.50.3') }), 'refused', 'for another address');
  t.is(reserve({ node: 'n1', reserved: true }), 'already-so');
  t.is(reserve({ node: 'n1', reserved: true }, { nodeId: 'n2' }), 'refused');
});

test('releasing', (t) => {
  const release = (sketch: Sketch, withLease = true): string => {
    const seen = view(sketch, withLease);
    return kindOf(releaseAction(subnetFacts(SUBNET, seen), seen, 86_400));
  };
  t.is(release({ node: 'n1', reserved: true, alive: true }), 'make-ending', 'its node runs');
  t.is(release({ node: 'n1', reserved: true }), 'remove', 'its node is gone');
  t.is(release({ reserved: true }), 'make-ending', 'upstream’s node may run');
  t.is(release({ reserved: true, publicIp: '0.0.0.0' }), 'remove', 'kept for nobody');
  t.is(release({ node: 'n1', alive: true }), 'refused', 'a node that runs would claim it again');
  t.is(release({ node: 'n1' }), 'remove', 'a lease that is left over');
  t.is(release({ used: true }, false), 'forget', 'a memory');
  t.is(release({ revokedFrom: 'n1' }, false), 'forget', 'a marker');
  t.is(release({}, false), 'already-so');
});

test('revoking says what becomes of the node and of its pods', (t) => {
  const revoke = (sketch: Sketch, withLease = true): LeaseAction => {
    const seen = view(sketch, withLease);
    return revokeAction(subnetFacts(SUBNET, seen), seen, 3_600);
  };
  t.is(kindOf(revoke({}, false)), 'refused');
  const alive = revoke({ node: 'n1', alive: true });
  t.is(kindOf(alive), 'revoke');
  const words = alive.kind === 'do' ? `${alive.text} ${alive.consequences.join(' ')}` : '';
  t.regex(words, /node n1 at 192\.168\.50\.2 \(host web1/);
  t.regex(words, /-on-lease-lost=exit/);
  t.regex(words, /does not get it back for 1 h/);
  const upstreams = revoke({});
  t.regex(
    upstreams.kind === 'do' ? upstreams.consequences.join(' ') : '',
    /upstream flanneld goes on as if nothing had happened/,
  );
});

test('a subnet is named as a prefix, as a key, or by an address in it', (t) => {
  const seen = view({ node: 'n1' });
  for (const text of [SUBNET, '10.5.9.77/24', KEY, '10.5.9.77'])
    t.is(subnetFacts(text, seen).record?.key, KEY, text);
  for (const text of ['', 'blue', '10.5.9.0/33', '../../config', `${'9'.repeat(500)}/24`])
    t.throws(
      () => subnetFacts(text, seen),
      { instanceOf: CommandError, code: 'command-usage' } as object,
      text,
    );
  t.throws(() => subnetFacts('10.6.0.1', seen), { message: /no subnet with a lease/ });
});
