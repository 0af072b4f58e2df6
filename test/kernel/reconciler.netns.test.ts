// The reconciler on a real kernel: a TUN with the network's range behind it, and a second life that changes nothing.
// Settings are left out: they are those of the process's own namespace.

import test from 'ava';
import { systemClock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import { LinuxKernel } from '../../src/kernel/rtnetlink/linux-kernel.js';
import { Reconciler, type ReconcilerState } from '../../src/kernel/reconciler.js';
import { NOTHING_WANTED, type WantedKernel } from '../../src/kernel/wanted.js';
import { cidr } from '../../src/subnet/cidr.js';
import { makeLinuxWorld, type LinuxWorld } from '../helpers/linux-world.js';
import { hasRoot } from '../helpers/netns.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

const RANGE = cidr('10.5.0.0/16');
const WANTED: WantedKernel = {
  ...NOTHING_WANTED,
  links: [{ name: 'flannel0', mtu: 1472, tun: { multiQueue: true, fixed: false }, settings: {} }],
  addresses: [{ link: 'flannel0', address: cidr('10.5.100.0/32') }],
  routes: [{ dst: RANGE, link: 'flannel0', onlink: false }],
};

/** One life of a daemon, up to its first settled state. */
async function life({ netns }: LinuxWorld): Promise<{ state: ReconcilerState; counters: Counters }> {
  const [logger, counters, clock] = [new RecordingLogger(), new Counters(), systemClock];
  const kernel = LinuxKernel.open({ logger, counters, clock, netns: netns.path });
  const scope = { network: 'network', ranges: [RANGE] };
  const reconciler = new Reconciler({ kernel, clock, logger, counters, scope });
  await reconciler.start();
  reconciler.set(() => WANTED);
  const state = await reconciler.settled();
  await reconciler.stop();
  kernel.close();
  return { state, counters };
}

test('a TUN, its address and its route are made once, and stay from life to life', async (t) => {
  if (!hasRoot(t)) return;
  const world = await makeLinuxWorld();
  const { netns } = world;
  try {
    t.deepEqual((await life(world)).state.problems, []);
    const shown = async (): Promise<string[]> => [
      await netns.sh('ip -d link show flannel0'),
      await netns.sh('ip -4 -o address show dev flannel0'),
      await netns.sh('ip -4 route show dev flannel0'),
    ];
    const first = await shown();
    t.regex(first[0]!, /mtu 1472[^]*multi_queue[^]*persist on[^]*alias flanneld:network/);
    t.regex(first[1]!, /inet 10\.5\.100\.0\/32/);
    t.regex(first[2]!, /^10\.5\.0\.0\/16 proto 241 linkdown *$/m);
    const second = await life(world);
    t.deepEqual([second.state.problems, second.counters.get('kernelOperations')], [[], 0]);
    t.deepEqual(await shown(), first);
    await netns.sh('ip route replace 10.5.0.0/16 dev flannel0 scope global');
    await life(world);
    t.deepEqual(await shown(), first, 'a route without our mark is marked');
  } finally {
    await world.close();
  }
});
