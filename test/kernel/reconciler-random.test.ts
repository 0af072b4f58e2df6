// Any history of wishes and damage ends, once it is quiet, in exactly what is wanted, and nothing foreign is touched.

import test from 'ava';
import fc from 'fast-check';
import { Counters } from '../../src/counters.js';
import { MAIN_TABLE, type Kernel, type Mac } from '../../src/kernel/kernel.js';
import { Reconciler } from '../../src/kernel/reconciler.js';
import type { WantedKernel } from '../../src/kernel/wanted.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeKernel } from '../fakes/fake-kernel.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

const PEERS = 4;
const mac = (peer: number, life: number): Mac => `7e:00:00:00:0${life}:0${peer}` as Mac;

/** The wish for a set of peers; `life` tells apart the MACs of a peer before and after it was made anew. */
function wish(peers: readonly number[], life: number): WantedKernel {
  return {
    peers: new Set(),
    links: [
      {
        name: 'flannel.1',
        mtu: 1450,
        mac: '26:44:e9:b3:44:b5' as Mac,
        vxlan: { vni: 1, port: 8472, learning: false, gbp: false, parent: 'eth0', local: ip('192.168.50.1') },
        settings: {},
      },
    ],
    addresses: [{ link: 'flannel.1', address: cidr('10.5.100.0/32') }],
    neighbours: peers.map((peer) => ({ link: 'flannel.1', ip: ip(`10.5.${peer}.0`), mac: mac(peer, life) })),
    fdb: peers.map((peer) => ({
      link: 'flannel.1',
      mac: mac(peer, life),
      dst: ip(`192.168.50.${peer + 1}`),
    })),
    routes: peers.map((peer) => ({
      dst: cidr(`10.5.${peer}.0/24`),
      via: ip(`10.5.${peer}.0`),
      link: 'flannel.1',
      onlink: true,
    })),
  };
}

async function damage(
  kernel: FakeKernel,
  other: Pick<Kernel, 'apply'>,
  what: number,
  peer: number,
): Promise<void> {
  const link = (await kernel.links()).find(({ name }) => name === 'flannel.1');
  if (link === undefined) return;
  const { index } = link;
  const route = {
    dst: cidr(`10.5.${peer}.0/24`),
    table: MAIN_TABLE,
    metric: 0,
    protocol: 241,
    type: 'unicast',
    scope: 0,
    gateway: ip(`10.5.${peer}.0`),
    link: index,
    onlink: true,
  } as const;
  const [neighbour] = (await kernel.neighbours(index)).filter(
    ({ ip: address }) => address === ip(`10.5.${peer}.0`),
  );
  const [entry] = (await kernel.fdb(index)).filter(({ dst }) => dst === ip(`192.168.50.${peer + 1}`));
  switch (what) {
    case 0:
      await other.apply([{ kind: 'link', verb: 'delete', index }]);
      break;
    case 1:
      await other.apply([{ kind: 'route', verb: 'delete', route }]);
      break;
    case 2:
      if (neighbour !== undefined) await other.apply([{ kind: 'neighbour', verb: 'delete', neighbour }]);
      break;
    case 3:
      if (entry !== undefined) await other.apply([{ kind: 'fdb', verb: 'delete', entry }]);
      break;
    case 4:
      await other.apply([{ kind: 'link', verb: 'change', index, change: { up: false } }]);
      break;
    default:
      await other.apply([
        {
          kind: 'fdb',
          verb: 'create',
          entry: { link: index, mac: mac(peer, 9), dst: ip('192.168.50.99'), permanent: true },
        },
      ]);
  }
}

function freshKernel(): FakeKernel {
  const kernel = new FakeKernel();
  kernel.addLink({ name: 'eth0', mac: '02:00:00:00:00:01', addresses: ['192.168.50.1/24'] });
  return kernel;
}

/** What a kernel looks like that has only ever been told this one wish; foreign objects included. */
async function ideal(wanted: WantedKernel): Promise<string> {
  const kernel = freshKernel();
  await addForeign(kernel);
  const { reconciler } = await started(kernel);
  reconciler.set(() => wanted);
  await reconciler.settled();
  await reconciler.stop();
  return kernel.toString();
}

async function addForeign(kernel: FakeKernel): Promise<void> {
  const link = kernel.indexOf('eth0');
  const route = {
    table: MAIN_TABLE,
    metric: 0,
    type: 'unicast',
    scope: 0,
    gateway: ip('192.168.50.254'),
    link,
    onlink: false,
  } as const;
  await kernel.asOther.apply([
    { kind: 'route', verb: 'create', route: { ...route, dst: cidr('0.0.0.0/0'), protocol: 3 } },
    { kind: 'route', verb: 'create', route: { ...route, dst: cidr('10.5.200.0/24'), protocol: 4 } },
    { kind: 'route', verb: 'create', route: { ...route, dst: cidr('10.9.1.0/24'), protocol: 241 } },
  ]);
}

async function started(kernel: FakeKernel): Promise<{ reconciler: Reconciler; clock: FakeClock }> {
  const clock = new FakeClock();
  const scope = { network: 'network', ranges: [cidr('10.5.0.0/16')] };
  const parts = { kernel, clock, logger: new RecordingLogger(), counters: new Counters(), scope };
  const reconciler = new Reconciler(parts);
  await reconciler.start();
  return { reconciler, clock };
}

const peerSet = fc.uniqueArray(fc.integer({ min: 1, max: PEERS }), { maxLength: PEERS });
const step = fc.oneof(
  fc.record({ kind: fc.constant('wish' as const), peers: peerSet, life: fc.integer({ min: 0, max: 2 }) }),
  fc.record({
    kind: fc.constant('damage' as const),
    what: fc.integer({ min: 0, max: 5 }),
    peer: fc.integer({ min: 1, max: PEERS }),
  }),
  fc.record({
    kind: fc.constant('refuse' as const),
    verb: fc.constantFrom('create' as const, 'replace' as const),
  }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 200 }) }),
);

test('any history of wishes, damage and refusals ends in what is wanted', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), peerSet, async (steps, last) => {
      const kernel = freshKernel();
      await addForeign(kernel);
      const { reconciler, clock } = await started(kernel);
      for (const action of steps) {
        if (action.kind === 'wish') reconciler.set(() => wish(action.peers, action.life));
        else if (action.kind === 'damage') await damage(kernel, kernel.asOther, action.what, action.peer);
        else if (action.kind === 'refuse') kernel.failNext({ verb: action.verb }, 'ENOBUFS');
        else await clock.advance(action.ms);
      }
      reconciler.set(() => wish(last, 1));
      await clock.advance(120_000);
      await reconciler.settled();
      await reconciler.stop();
      t.is(kernel.toString(), await ideal(wish(last, 1)));
    }),
    { numRuns: 150 },
  );
});
