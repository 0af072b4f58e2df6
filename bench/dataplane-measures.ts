// How each measure of the dataplane bench is taken in a scene: one function a measure, figures by metric. What they
// are called and how they are shown: dataplane-metrics.ts.

import { tcpTransfer, withTcpServer } from '../src/lab/throughput.js';
import { busySeconds, processSeconds } from './cpu.js';
import type { MeasureName } from './dataplane-metrics.js';
import { losslessRate } from './lossless.js';
import type { Scene } from './scenes.js';
import type { SubjectName } from './subjects.js';
import { flood, roundTrips } from './udp-load.js';

/** How long and how often: what --quick shortens. */
export interface Effort {
  readonly seconds: number;
  readonly trialSeconds: number;
  readonly trials: number;
  readonly roundTrips: number;
  readonly restSeconds: number;
}

type Taken = Readonly<Record<string, number>>;

const PACKET_BYTES = 64;
const SEGMENTS = 32;

async function tcp(
  id: string,
  { from, to }: Scene,
  how: { readonly seconds: number; readonly streams: number; readonly reverse: boolean },
): Promise<Taken> {
  return withTcpServer(to, async () => {
    const before = busySeconds();
    const { bitsPerSecond, bytes } = await tcpTransfer(from, to.address, how);
    return { [id]: bitsPerSecond / 1e9, [`${id}-cpu`]: (busySeconds() - before) / (bytes / 1e9) };
  });
}

async function packets(id: string, { from, to }: Scene, segments: number, effort: Effort): Promise<Taken> {
  const size = PACKET_BYTES;
  const full = await flood(from, to, { size, segments, seconds: effort.seconds, rate: 0 });
  const seconds = effort.trialSeconds;
  const lossless = await losslessRate(
    async (rate) => {
      const { sent, received, sentRate } = await flood(from, to, { size, segments, seconds, rate });
      return { sentRate, loss: sent === 0 ? 1 : (sent - received) / sent };
    },
    // Under overload some paths deliver less than they could, so what saturation gave is not the limit.
    { most: full.receivedRate * 2, steps: effort.trials },
  );
  return { [`${id}-saturated`]: full.receivedRate / 1000, [`${id}-lossless`]: lossless / 1000 };
}

/** Takes one measure of one scene; `rest` is atRest(). */
export function take(name: Exclude<MeasureName, 'rest'>, scene: Scene, effort: Effort): Promise<Taken> {
  const { seconds } = effort;
  switch (name) {
    case 'tcp':
      return tcp(name, scene, { seconds, streams: 1, reverse: false });
    case 'tcp-reverse':
      return tcp(name, scene, { seconds, streams: 1, reverse: true });
    case 'tcp4':
      return tcp(name, scene, { seconds, streams: 4, reverse: false });
    case 'tcp4-reverse':
      return tcp(name, scene, { seconds, streams: 4, reverse: true });
    case 'packets':
      return packets(name, scene, 1, effort);
    case 'segments':
      return packets(name, scene, SEGMENTS, effort);
    case 'latency':
      return roundTrips(scene.from, scene.to, { size: PACKET_BYTES, count: effort.roundTrips });
  }
}

/** What every scene's daemons use, in CPU milliseconds per second, while nobody sends anything; and the machine. */
export async function atRest(
  scenes: readonly Scene[],
  seconds: number,
): Promise<{ readonly daemons: ReadonlyMap<SubjectName, number>; readonly machine: number }> {
  const used = ({ daemons }: Scene): number => daemons.reduce((sum, { pid }) => sum + processSeconds(pid), 0);
  const [before, busy] = [scenes.map(used), busySeconds()];
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const machine = ((busySeconds() - busy) / seconds) * 1000;
  const daemons = scenes
    .filter((scene) => scene.daemons.length > 0)
    .map((scene): [SubjectName, number] => {
      const spent = used(scene) - (before[scenes.indexOf(scene)] ?? 0);
      return [scene.name, (spent / seconds) * 1000];
    });
  return { daemons: new Map(daemons), machine };
}
