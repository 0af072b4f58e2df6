// What the delegate is told: upstream's configs to the letter, and what holds for any config.

import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { parseConf } from '../../src/cni/conf.js';
import { delegateConf, sortedJson } from '../../src/cni/delegate-conf.js';
import { CniError } from '../../src/cni/errors.js';
import { parseSubnetEnv } from '../../src/cni/subnet-env.js';
import { holds } from '../subnet/property.js';

const V4 = 'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.17.1/24\n';
const V6 = 'FLANNEL_IPV6_NETWORK=fc00::/48\nFLANNEL_IPV6_SUBNET=fc00::1/64\n';
const REST = 'FLANNEL_MTU=1472\nFLANNEL_IPMASQ=true\n';

function made(conf: object, env = V4 + REST): string {
  return sortedJson(
    delegateConf(
      parseConf(JSON.stringify({ name: 'cni-flannel', type: 'flannel', ...conf })),
      parseSubnetEnv('env', env),
    ),
  );
}

function refused(t: ExecutionContext, conf: object): string {
  return t.throws(() => made(conf), { instanceOf: CniError }).message;
}

/** The golden config, with fields of `ipam` and others put in their places. */
const GOLDEN: readonly (readonly [story: string, conf: object, env: string, expected: string])[] = [
  [
    'nothing but a name',
    {},
    V4 + REST,
    '{"ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.1.17.0/24"}]],"routes":[{"dst":"10.1.0.0/16"}],"type":"host-local"},"isGateway":true,"mtu":1472,"name":"cni-flannel","type":"bridge"}',
  ],
  [
    'both families',
    {},
    V4 + V6 + REST,
    '{"ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.1.17.0/24"}],[{"subnet":"fc00::/64"}]],"routes":[{"dst":"10.1.0.0/16"},{"dst":"fc00::/48"}],"type":"host-local"},"isGateway":true,"mtu":1472,"name":"cni-flannel","type":"bridge"}',
  ],
  [
    'IPv6 alone',
    {},
    V6 + REST,
    '{"ipMasq":false,"ipam":{"ranges":[[{"subnet":"fc00::/64"}]],"routes":[{"dst":"fc00::/48"}],"type":"host-local"},"isGateway":true,"mtu":1472,"name":"cni-flannel","type":"bridge"}',
  ],
  [
    'two networks, one of them twice',
    {},
    `FLANNEL_NETWORK=10.1.0.0/16,192.168.0.0/16,10.1.0.0/16\nFLANNEL_SUBNET=10.1.17.1/24\n${REST}`,
    '{"ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.1.17.0/24"}]],"routes":[{"dst":"10.1.0.0/16"},{"dst":"192.168.0.0/16"}],"type":"host-local"},"isGateway":true,"mtu":1472,"name":"cni-flannel","type":"bridge"}',
  ],
  [
    'an ipam of somebody else, with routes and a field nobody knows',
    {
      ipam: {
        type: 'my-ipam',
        'unknown-param': 'unknown-value',
        routes: [{ dst: '10.96.0.0/12' }, { dst: '192.168.244.0/24', gw: '10.1.17.20' }],
      },
    },
    V4 + REST,
    '{"ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.1.17.0/24"}]],"routes":[{"dst":"10.96.0.0/12"},{"dst":"192.168.244.0/24","gw":"10.1.17.20"},{"dst":"10.1.0.0/16"}],"type":"my-ipam","unknown-param":"unknown-value"},"isGateway":true,"mtu":1472,"name":"cni-flannel","type":"bridge"}',
  ],
  [
    'a delegate that wants everything its own way',
    {
      cniVersion: '0.3.1',
      delegate: {
        type: 'bridge',
        bridge: 'kbr1',
        isGateway: false,
        ipMasq: true,
        mtu: 1400,
        isDefaultGateway: false,
      },
    },
    V4 + REST,
    '{"bridge":"kbr1","cniVersion":"0.3.1","ipMasq":true,"ipam":{"ranges":[[{"subnet":"10.1.17.0/24"}]],"routes":[{"dst":"10.1.0.0/16"}],"type":"host-local"},"isDefaultGateway":false,"isGateway":false,"mtu":1400,"name":"cni-flannel","type":"bridge"}',
  ],
  [
    'another plugin, which is no gateway, and what the runtime wants of it',
    {
      delegate: { type: 'ipvlan', master: 'eth1', runtimeConfig: { mac: 'x' } },
      runtimeConfig: { ips: ['10.1.17.9/24'] },
    },
    V4 + REST.replace('true', 'false'),
    '{"ipMasq":true,"ipam":{"ranges":[[{"subnet":"10.1.17.0/24"}]],"routes":[{"dst":"10.1.0.0/16"}],"type":"host-local"},"master":"eth1","mtu":1472,"name":"cni-flannel","runtimeConfig":{"ips":["10.1.17.9/24"]},"type":"ipvlan"}',
  ],
  [
    'names in another case, and fields that are none of ours',
    {
      Delegate: { bridge: 'b' },
      CniVersion: '0.4.0',
      dns: { nameservers: ['1.1.1.1'] },
      args: {},
      capabilities: { x: true },
      prevResult: {},
    },
    V4 + REST,
    '{"bridge":"b","cniVersion":"0.4.0","ipMasq":false,"ipam":{"ranges":[[{"subnet":"10.1.17.0/24"}]],"routes":[{"dst":"10.1.0.0/16"}],"type":"host-local"},"isGateway":true,"mtu":1472,"name":"cni-flannel","type":"bridge"}',
  ],
];
for (const [story, conf, env, expected] of GOLDEN) {
  test(`${story}: upstream's config to the letter`, (t) => {
    t.is(made(conf, env), expected);
  });
}

test('ranges of the config give way to those of the host', (t) => {
  t.regex(
    made({ ipam: { ranges: [[{ subnet: '1.2.3.0/24' }]] } }),
    /"ranges":\[\[\{"subnet":"10\.1\.17\.0\/24"\}\]\]/,
  );
});

test('a delegate that is none is refused in upstream’s words', (t) => {
  t.is(
    refused(t, { delegate: { type: 1 } }),
    "'delegate' dictionary, if present, must have (string) 'type' field",
  );
  t.is(
    refused(t, { delegate: { name: 'x' } }),
    "'delegate' dictionary must not have 'name' field, it'll be set by flannel",
  );
  t.is(
    refused(t, { delegate: { ipam: null } }),
    "'delegate' dictionary must not have 'ipam' field, it'll be set by flannel",
  );
});

for (const type of [
  '',
  '.',
  '..',
  '/bin/sh',
  '../bridge',
  'a/b',
  'a\0b',
  'a\nb',
  'flannel',
  'x'.repeat(256),
]) {
  test(`a delegate of type ${JSON.stringify(type.slice(0, 20))} is refused`, (t) => {
    t.regex(refused(t, { delegate: { type } }), /invalid plugin name/);
  });
}

for (const routes of [
  'x',
  [1],
  [{}],
  [{ dst: 1 }],
  [{ dst: '10.0.0.0' }],
  [{ dst: '10.0.0.0/8', gw: 'x' }],
  [{ dst: '10.0.0.0/8', gw: 1 }],
]) {
  test(`routes ${JSON.stringify(routes)} are refused`, (t) => {
    t.regex(
      refused(t, { ipam: { routes } }),
      /^failed to assemble Delegate IPAM: failed to read IPAM routes: failed to parse ipam\.routes/,
    );
  });
}

test('whatever the config, the delegate has our name and our ranges, and keeps what it asked for', (t) => {
  const free = fc.dictionary(
    fc.string().filter((name) => !['type', 'name', 'ipam', 'cniVersion', 'runtimeConfig'].includes(name)),
    fc.jsonValue(),
  );
  const ipam = fc.dictionary(
    fc.string().filter((name) => name !== 'routes'),
    fc.jsonValue({ maxDepth: 3 }),
  );
  holds(
    t,
    fc.property(free, ipam, (delegate, given) => {
      const conf = JSON.parse(made({ delegate, ipam: given })) as Record<string, unknown>;
      t.is(conf['name'], 'cni-flannel');
      t.is(conf['type'], 'bridge');
      t.deepEqual((conf['ipam'] as Record<string, unknown>)['ranges'], [[{ subnet: '10.1.17.0/24' }]]);
      for (const [name, value] of Object.entries(JSON.parse(JSON.stringify(delegate)) as object))
        t.deepEqual(conf[name], value, name);
    }),
  );
});

test('equal configs are equal texts, in whatever order they were written', (t) => {
  holds(
    t,
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse());
      t.is(sortedJson(value), sortedJson(reversed));
      t.deepEqual(JSON.parse(sortedJson(value)), JSON.parse(JSON.stringify(value)));
    }),
  );
});
