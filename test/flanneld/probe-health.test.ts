// The words in which health tells of peers.

import test from 'ava';
import { changeText, probeReasons } from '../../src/flanneld/probe-health.js';
import type { PeerProbe } from '../../src/probe/probe.js';
import type { ProbeTarget } from '../../src/probe/target.js';
import { ip } from '../../src/subnet/cidr.js';

const PATH = { state: 'answers', loss: 0 } as const;

function target(number: number, overhead = 50): ProbeTarget {
  return {
    publicIp: ip(`10.0.0.${number}`),
    source: ip('10.0.0.1'),
    ownBase: ip('10.5.1.0'),
    peerBase: ip(`10.5.${number}.0`),
    underlayMtu: 1500,
    overlay: { mtu: 1450, overhead },
  };
}

const probe = (verdict: PeerProbe['verdict'], more: Partial<PeerProbe> = {}): PeerProbe => ({
  ...{ verdict, since: '', overlay: PATH, underlay: PATH },
  ...more,
});

/** Peers 2, 3, … with these probes. */
function reasons(
  probes: readonly PeerProbe[],
  port: number | undefined = 8472,
  overhead = 50,
): Record<string, string> {
  const keys = probes.map((_, index) => `10.5.${index + 2}.0-24`);
  const targets = new Map(keys.map((key, index) => [key, target(index + 2, overhead)]));
  const all = new Map(probes.map((one, index) => [keys[index] ?? '', one] as const));
  const troubles = new Map([...all].filter(([, { verdict }]) => !['reachable', 'unknown'].includes(verdict)));
  const reaches = probes.some(({ verdict }) => verdict === 'reachable');
  return Object.fromEntries(probeReasons({ targets, troubles, reaches, port }));
}

const well = probe('reachable');

test('nothing is said where all is well, nothing is known, or nobody is there', (t) => {
  t.deepEqual(reasons([]), {});
  t.deepEqual(reasons([well, well]), {});
  t.deepEqual(reasons([probe('unknown'), probe('unknown')]), {});
  t.deepEqual(reasons([well, probe('unknown')]), {});
});

test('some that are silent are named, three of them, and the others counted', (t) => {
  const silent = probe('unreachable');
  t.deepEqual(reasons([well, silent]), { 'peers-silent': '10.0.0.3 (10.5.3.0/24): down, or cut off' });
  t.deepEqual(reasons([well, silent, silent, silent, silent, silent]), {
    'peers-silent':
      '10.0.0.3 (10.5.3.0/24), 10.0.0.4 (10.5.4.0/24), 10.0.0.5 (10.5.5.0/24) and 2 more: down, or cut off',
  });
});

test('when all are silent of whom anything is known, none answers', (t) => {
  t.deepEqual(reasons([probe('unreachable'), probe('unknown')]), {
    'no-peer-answers': '10.0.0.2 (10.5.2.0/24): down, or cut off',
  });
});

for (const [lost, text] of [
  ['to-peer', 'UDP port 8472 to 10.0.0.3 (10.5.3.0/24) is filtered: packets to it are lost; open it there'],
  [
    'from-peer',
    'UDP port 8472 from 10.0.0.3 (10.5.3.0/24) is filtered: packets from it are lost; open it here',
  ],
  ['both', 'UDP port 8472 to and from 10.0.0.3 (10.5.3.0/24) is filtered; open it'],
  [
    undefined,
    'UDP port 8472 to or from 10.0.0.3 (10.5.3.0/24) is filtered, or its device is not as it should be',
  ],
] as const) {
  test(`a filtered tunnel is told with port, direction (${lost ?? 'unclear'}) and remedy`, (t) => {
    const filtered = probe('filtered', lost === undefined ? {} : { lost });
    t.deepEqual(reasons([well, filtered]), { 'tunnel-filtered': text });
    t.is(changeText('10.5.3.0-24', target(3), filtered, 8472), text);
  });
}

test('filtered peers are told one cause after the other, and when there are no others, none answers', (t) => {
  const text =
    'UDP port 8472 to 10.0.0.3 (10.5.3.0/24) is filtered: packets to it are lost; open it there; UDP port 8472 from 10.0.0.2 (10.5.2.0/24) is filtered: packets from it are lost; open it here';
  t.deepEqual(reasons([probe('filtered', { lost: 'from-peer' }), probe('filtered', { lost: 'to-peer' })]), {
    'tunnel-filtered': text,
    'no-peer-answers': text,
  });
});

test('a direct route that leads nowhere is not the tunnel’s fault', (t) => {
  t.deepEqual(reasons([well, probe('filtered')], 8472, 0), {
    'tunnel-filtered': 'the route to 10.0.0.3 (10.5.3.0/24) does not lead there, though the host answers',
  });
});

test('a short path is told with the smallest size that passes everywhere', (t) => {
  const cut = [probe('path-mtu', { pathMtu: 1400 }), probe('path-mtu', { pathMtu: 1300 }), probe('path-mtu')];
  t.deepEqual(reasons(cut), {
    'path-mtu':
      'packets above 1300 bytes do not reach 10.0.0.2 (10.5.2.0/24), 10.0.0.3 (10.5.3.0/24), 10.0.0.4 (10.5.4.0/24); mend the path, or set "MTU": 1300 in Backend',
  });
  t.deepEqual(reasons([probe('path-mtu')]), {
    'path-mtu': 'full packets do not reach 10.0.0.2 (10.5.2.0/24)',
  });
});
