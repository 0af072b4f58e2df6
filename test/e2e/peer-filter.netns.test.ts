// Who may send into the tunnel: packets made by hand reach a pod from a peer's address only, unless the filter is off.

import test, { type ExecutionContext } from 'ava';
import type { Member } from '../../src/lab/cluster.js';
import type { Host } from '../../src/lab/host.js';
import type { LabProcess } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';
import { canMakeHosts, member } from '../helpers/lab.js';
import {
  counted,
  makeRuleCluster,
  MODES,
  sendRaw,
  udpListener,
  vxlanPacket,
  type Mode,
} from '../helpers/rules-lab.js';

const COUNT = 20;

interface Scene {
  readonly victim: Member;
  readonly peer: Member;
  readonly stranger: Host;
  readonly listener: LabProcess;
  readonly packet: (text: string) => Buffer;
}

async function scene(t: ExecutionContext, mode: Mode, filter: string): Promise<Scene> {
  const cluster = await makeRuleCluster(t, mode, 2, [`-peer-filter=${filter}`]);
  const [victim, peer] = [member(cluster, 0), member(cluster, 1)];
  const mac = (await cluster.leaseOf(victim.host)).vtepMac ?? '';
  const packet = (text: string): Buffer =>
    vxlanPacket({ vni: 1, mac, from: peer.pod.address, to: victim.pod.address, text });
  const listener = await udpListener(victim.pod);
  return { victim, peer, stranger: await cluster.lab.addHost(), listener, packet };
}

const heard = ({ listener }: Scene, text: string): number =>
  listener.output.tail(500).filter((line) => line === text).length;

for (const mode of MODES) {
  test.serial(
    `${mode}: a stranger's packets are counted and dropped, the same from a peer pass`,
    async (t) => {
      if (!canMakeHosts(t)) return;
      const s = await scene(t, mode, 'on');
      const { victim, peer, stranger, packet } = s;
      await sendRaw(stranger, victim.host.address, packet('stranger'), COUNT);
      await until(async () => (await counted(victim.host, 'foreign_source')) >= COUNT, {
        what: 'the packets to be counted',
        state: () => victim.host.must('nft', ['list', 'ruleset']),
      });
      await sendRaw(peer.host, victim.host.address, packet('peer'), COUNT);
      await until(() => heard(s, 'peer') === COUNT, {
        what: 'the peer to be heard',
        state: () => heard(s, 'peer'),
      });
      t.is(heard(s, 'stranger'), 0);
      t.is(await counted(victim.host, 'foreign_source'), COUNT);
    },
  );

  test.serial(`${mode}: with the filter off a stranger's packets are delivered`, async (t) => {
    if (!canMakeHosts(t)) return;
    const s = await scene(t, mode, 'off');
    await sendRaw(s.stranger, s.victim.host.address, s.packet('stranger'), COUNT);
    await until(() => heard(s, 'stranger') === COUNT, { what: 'the stranger to be heard', timeoutMs: 3000 });
    t.is(heard(s, 'stranger'), COUNT);
  });
}
