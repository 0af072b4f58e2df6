// Who may send into the udp tunnel. Two guards stand at the port: the peer filter in nftables, which is tested first,
// and the packet engine itself, tested on hosts where nft cannot be run.

import test, { type ExecutionContext } from 'ava';
import type { Cluster, Member } from '../../src/lab/cluster.js';
import { Flanneld } from '../../src/lab/flanneld.js';
import type { Host } from '../../src/lab/host.js';
import type { LabProcess } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, member } from '../helpers/lab.js';
import {
  counted,
  innerPacket,
  sendRaw,
  SYSTEM_PATH,
  udpListener,
  withoutTools,
} from '../helpers/rules-lab.js';
import { loggedCounters, makeUdpCluster, UDP_PORT } from '../helpers/udp-lab.js';

const COUNT = 20;

interface Scene {
  readonly cluster: Cluster;
  readonly victim: Member;
  readonly peer: Member;
  readonly third: Member;
  readonly stranger: Host;
  readonly listener: LabProcess;
}

async function scene(t: ExecutionContext, filter: string): Promise<Scene> {
  const cluster = await makeUdpCluster(t, 3, { member: { args: [`-peer-filter=${filter}`] } });
  const [victim, peer, third] = [member(cluster, 0), member(cluster, 1), member(cluster, 2)];
  const stranger = await cluster.lab.addHost();
  return { cluster, victim, peer, third, stranger, listener: await udpListener(victim.pod) };
}

/** The victim's daemon anew, without nft and iptables; the tables of its former life are taken away. */
async function withoutNft({ cluster, victim, peer, listener }: Scene, filter: string): Promise<void> {
  await victim.flanneld.stop();
  await victim.host.must('nft', ['flush', 'ruleset']);
  const options = cluster.daemonOptions({ command: withoutTools(), args: [`-peer-filter=${filter}`] });
  victim.flanneld = await Flanneld.up(victim.host, { ...options, env: SYSTEM_PATH });
  const packet = innerPacket({ from: peer.pod.address, to: victim.pod.address, text: 'awake' });
  await until(
    async () => {
      await sendRaw(peer.host, victim.host.address, packet, 1, UDP_PORT);
      return listener.output.tail(500).includes('awake');
    },
    { what: 'the engine to know its peers', state: () => victim.flanneld.log() },
  );
}

const heard = ({ listener }: Scene, text: string): number =>
  listener.output.tail(500).filter((line) => line === text).length;

/** Sends COUNT packets, then as many from the peer: when those are heard, the others have been through or not. */
async function send(
  s: Scene,
  from: Host,
  inner: { readonly from: string; readonly text: string },
): Promise<number> {
  const to = s.victim.pod.address;
  await sendRaw(from, s.victim.host.address, innerPacket({ ...inner, to }), COUNT, UDP_PORT);
  const after = `after ${inner.text}`;
  const packet = innerPacket({ from: s.peer.pod.address, to, text: after });
  await sendRaw(s.peer.host, s.victim.host.address, packet, COUNT, UDP_PORT);
  await until(() => heard(s, after) === COUNT, {
    what: `${COUNT} packets of the peer to be heard`,
    state: () => heard(s, after),
  });
  return heard(s, inner.text);
}

test.serial(
  'nftables: a stranger’s packets are counted and dropped before the engine sees them',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const s = await scene(t, 'on');
    t.is(await send(s, s.stranger, { from: s.peer.pod.address, text: 'stranger' }), 0);
    t.is(await counted(s.victim.host, 'foreign_source'), COUNT);
  },
);

test.serial(
  'the engine alone: strangers and our own sources are dropped and counted, each by reason',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const s = await scene(t, 'on');
    await withoutNft(s, 'on');
    const own = s.victim.pod.address.replace(/\.\d+$/, '.77');
    t.is(await send(s, s.stranger, { from: s.peer.pod.address, text: 'stranger' }), 0);
    t.is(await send(s, s.peer.host, { from: own, text: 'own source' }), 0);
    t.is(await send(s, s.peer.host, { from: s.third.pod.address, text: 'another peer’s source' }), COUNT);
    await s.victim.flanneld.stop();
    const counters = loggedCounters(s.victim.flanneld);
    t.is(counters.get('dropStranger'), COUNT, s.victim.flanneld.log());
    t.is(counters.get('dropOwnSource'), COUNT);
    t.is(counters.get('dropForeignSource'), undefined);
  },
);

test.serial('the engine alone, strict: a peer sends from its own subnet only', async (t) => {
  if (!canMakeHosts(t)) return;
  const s = await scene(t, 'strict');
  await withoutNft(s, 'strict');
  t.is(await send(s, s.peer.host, { from: s.third.pod.address, text: 'another peer’s source' }), 0);
  t.is(await send(s, s.peer.host, { from: '192.0.2.1', text: 'outside the overlay' }), 0);
  await s.victim.flanneld.stop();
  t.is(loggedCounters(s.victim.flanneld).get('dropForeignSource'), 2 * COUNT, s.victim.flanneld.log());
});

test.serial('with the filter off a stranger’s packets are delivered, as by upstream', async (t) => {
  if (!canMakeHosts(t)) return;
  const s = await scene(t, 'off');
  t.is(await send(s, s.stranger, { from: s.peer.pod.address, text: 'stranger' }), COUNT);
});
