// The kernel contract's world on Linux: a namespace with a veth pair, and two kernels on it, one of them "somebody else".

import { systemClock } from '../../src/clock.js';
import { Counters } from '../../src/counters.js';
import { LinuxKernel } from '../../src/kernel/rtnetlink/linux-kernel.js';
import type { World } from '../contract/kernel-world.js';
import { Netns } from './netns.js';
import { RecordingLogger } from './recording-logger.js';

export interface LinuxWorld extends World {
  readonly kernel: LinuxKernel;
  readonly netns: Netns;
  readonly counters: Counters;
  readonly logger: RecordingLogger;
}

/** eth0 with 192.168.50.1/24 and fd50::1/64; its other end, eth0p, is up too, so there is a carrier. */
export async function makeLinuxWorld(): Promise<LinuxWorld> {
  const netns = await Netns.create();
  const counters = new Counters();
  const logger = new RecordingLogger();
  const open = (): LinuxKernel =>
    LinuxKernel.open({ logger, counters, clock: systemClock, netns: netns.path });
  try {
    // Without link-local addresses of its own accord, whose moment nobody knows.
    await netns.exec('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode');
    await netns.sh('ip link add eth0 type veth peer name eth0p');
    await netns.sh('ip addr add 192.168.50.1/24 dev eth0');
    await netns.sh('ip addr add fd50::1/64 dev eth0 nodad');
    await netns.sh('ip link set eth0p up');
    await netns.sh('ip link set eth0 up');
    const [kernel, other] = [open(), open()];
    const close = async (): Promise<void> => {
      kernel.close();
      other.close();
      await netns.close();
    };
    return { kernel, other, netns, counters, logger, close };
  } catch (error) {
    await netns.close();
    throw error;
  }
}
