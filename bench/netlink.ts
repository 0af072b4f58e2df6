// How long the kernel takes for the entries of many VXLAN peers, through LinuxKernel, in a namespace of its own.
// Usage: node dist/bench/netlink.js [peers]; needs root. Prints one line a measurement.

import { readFileSync } from 'node:fs';
import { systemClock } from '../src/clock.js';
import { Counters } from '../src/counters.js';
import { MAIN_TABLE, PROTOCOL, type Kernel, type KernelOperation, type Mac } from '../src/kernel/kernel.js';
import { LinuxKernel } from '../src/kernel/rtnetlink/linux-kernel.js';
import { cidrOf, ip } from '../src/subnet/cidr.js';
import { Netns } from '../test/helpers/netns.js';
import { RecordingLogger } from '../test/helpers/recording-logger.js';

function peerOperations(link: number, peers: number, verb: 'create' | 'delete'): KernelOperation[] {
  return Array.from({ length: peers }, (_, peer): KernelOperation[] => {
    const [high, low] = [peer >> 8, peer & 0xff];
    const base = ip(`10.${32 + high}.${low}.0`);
    const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
    const mac = `7e:00:00:00:${hex(high)}:${hex(low)}` as Mac;
    const route = {
      dst: cidrOf(base, 24),
      table: MAIN_TABLE,
      metric: 0,
      protocol: PROTOCOL.flanneld,
      scope: 0,
    };
    return [
      { kind: 'neighbour', verb, neighbour: { link, ip: base, mac, permanent: true } },
      { kind: 'fdb', verb, entry: { link, mac, dst: ip(`172.16.${high}.${low}`), permanent: true } },
      { kind: 'route', verb, route: { ...route, type: 'unicast', gateway: base, link, onlink: true } },
    ];
  }).flat();
}

/** Nanoseconds on a processor of the main thread alone; the netlink thread works beside it. */
function mainThreadNanoseconds(): number {
  const text = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8');
  return Number(text.split(' ')[0]);
}

async function measure(what: string, action: () => Promise<unknown>): Promise<void> {
  const used = mainThreadNanoseconds();
  const start = performance.now();
  await action();
  const wall = performance.now() - start;
  const main = (mainThreadNanoseconds() - used) / 1e6;
  console.log(
    `${what.padEnd(36)} ${wall.toFixed(0).padStart(6)} ms, JavaScript thread ${main.toFixed(0).padStart(5)} ms`,
  );
}

async function mustApply(kernel: Kernel, operations: readonly KernelOperation[]): Promise<void> {
  const error = (await kernel.apply(operations)).find((outcome) => outcome !== undefined);
  if (error !== undefined) throw error;
}

async function main(peers: number): Promise<void> {
  const netns = await Netns.create();
  const logger = new RecordingLogger();
  const kernel = LinuxKernel.open({
    logger,
    counters: new Counters(),
    clock: systemClock,
    netns: netns.path,
  });
  try {
    await netns.sh('sysctl -q -w net.ipv4.neigh.default.gc_thresh3=65536').catch(() => '');
    await netns.sh('ip link add flannel.1 mtu 1450 type vxlan id 1 dstport 8472 nolearning');
    await netns.sh('ip link set flannel.1 up');
    const link = (await kernel.links()).find(({ name }) => name === 'flannel.1')?.index ?? 0;
    const create = peerOperations(link, peers, 'create');
    const what = `${peers} peers`;
    await measure(`${what}: create ${create.length}`, () => mustApply(kernel, create));
    await measure(`${what}: list routes`, () => kernel.routes(4));
    await measure(`${what}: list neighbours`, () => kernel.neighbours(link));
    await measure(`${what}: list forwarding entries`, () => kernel.fdb(link));
    let events = 0;
    const stop = await kernel.watch(() => events++);
    const remove = peerOperations(link, peers, 'delete');
    await measure(`${what}: delete ${remove.length}, listening`, () => mustApply(kernel, remove));
    stop();
    console.log(`${events} events seen by then; warnings: ${logger.lines.length}`);
  } finally {
    kernel.close();
    await netns.close();
  }
}

await main(Number(process.argv[2] ?? 5000));
