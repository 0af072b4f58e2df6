// Which networks a command line means, and what is refused: src/flanneld/network-options.ts.

import test from 'ava';
import { parseCommandLine } from '../../src/flanneld/cli.js';
import { networkPlan, type NetworkPlan } from '../../src/flanneld/network-options.js';

function plan(...argv: string[]): NetworkPlan {
  const invocation = parseCommandLine(argv, {});
  if (invocation.action !== 'run') throw new Error(`expected a run, got ${invocation.action}`);
  return networkPlan(invocation.options);
}

const named = (...argv: string[]): string[] =>
  plan(...argv).named.map(({ name, prefix, subnetFiles }) => `${name} ${prefix} ${subnetFiles.join(' ')}`);

test('without a prefix there is upstream’s one network, with its one file', (t) => {
  t.deepEqual(named(), ['network /coreos.com/network /run/flannel/subnet.env']);
  t.is(plan().networksPrefix, undefined);
});

test('one prefix alone is called and written as before there could be several', (t) => {
  t.deepEqual(named('-etcd-prefix=/a/network', '-subnet-file=/run/a.env'), [
    'network-ab4069 /a/network /run/a.env',
  ]);
  t.deepEqual(named('-etcd-prefix=blue=/a/network'), ['blue /a/network /run/flannel/subnet.env']);
});

test('several prefixes are called by their last part, or as given; the first has the usual file too', (t) => {
  t.deepEqual(
    named('-etcd-prefix=/coreos.com/network', '-etcd-prefix=//x/blue/', '-etcd-prefix=red=/x/y=z'),
    [
      'network /coreos.com/network /run/flannel/networks/network.env /run/flannel/subnet.env',
      'blue //x/blue/ /run/flannel/networks/blue.env',
      'red /x/y=z /run/flannel/networks/red.env',
    ],
  );
  t.deepEqual(named('-etcd-prefix=/a/b', '-etcd-prefix=/a/c', '-subnet-dir=/tmp/n'), [
    'b /a/b /tmp/n/b.env /run/flannel/subnet.env',
    'c /a/c /tmp/n/c.env',
  ]);
});

test('with a folder of networks nothing else is run unless it is named', (t) => {
  t.deepEqual(named('-networks-prefix=/flannel/networks'), []);
  const { networksPrefix, found } = plan('-networks-prefix=//flannel//networks/');
  t.is(networksPrefix, '/flannel/networks');
  t.like(found('blue'), {
    name: 'blue',
    prefix: '/flannel/networks/blue',
    subnetFiles: ['/run/flannel/networks/blue.env'],
  });
  t.deepEqual(named('-networks-prefix=/flannel/networks', '-etcd-prefix=/coreos.com/network'), [
    'network /coreos.com/network /run/flannel/networks/network.env /run/flannel/subnet.env',
  ]);
});

test('grace and removal are taken from their flags', (t) => {
  t.like(plan(), { graceMs: 10_000, removal: 'drain' });
  t.like(plan('-network-grace=1m30s', '-network-remove=force'), { graceMs: 90_000, removal: 'force' });
});

const REFUSED: readonly (readonly [readonly string[], RegExp])[] = [
  [['-etcd-prefix=Blue=/x'], /-etcd-prefix=Blue=\/x: "Blue" is no name for a network; take a to z/],
  [['-etcd-prefix=blue='], /there is no prefix after the name/],
  [['-etcd-prefix=/a/x', '-etcd-prefix=/b/x'], /two networks are called x: .*-etcd-prefix=NAME=\/b\/x/],
  [['-etcd-prefix=/a/x', '-etcd-prefix=y=/a//x/'], /-etcd-prefix=\/a\/\/x\/ is given twice/],
  [['-etcd-prefix=/a/x', '-etcd-prefix=/a/Y'], /this one is called "Y", which is no name.*NAME=\/a\/Y/],
  [['-etcd-prefix=/a/x', '-etcd-prefix=/'], /no name for one/],
  [['-etcd-prefix=/a/x', '-etcd-prefix=/a/subnets'], /"subnets"/],
  [
    ['-networks-prefix=/n', '-etcd-prefix=/n/blue'],
    /lies below -networks-prefix=\/n, which makes it a network/,
  ],
  [['-network-grace=soon'], /it is a duration/],
  [['-network-remove=now'], /it is one of drain, force/],
];
for (const [argv, message] of REFUSED) {
  test(`${argv.join(' ')} is refused`, (t) => {
    t.throws(() => plan(...argv), { message, name: 'UsageError' });
  });
}
