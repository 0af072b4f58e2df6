// Faults of one host: its daemon, its link, what it has in its kernel.

import { DEFAULT_ROUTE } from '../../src/lab/lab.js';
import { monotonic } from '../../src/lab/monotonic.js';
import { DEVICES } from './expected-kernel.js';
import type { KernelPart, Of } from './faults.js';
import { kernelNow } from './kernel-now.js';
import type { ChaosNode } from './node.js';
import { pause } from './pause.js';
import type { Scene } from './scene.js';

export function nodeOf(scene: Scene, host: number): ChaosNode {
  const node = scene.nodes[host];
  if (node === undefined) throw new RangeError(`there is no host ${host}`);
  return node;
}

/** The data path of vxlan and host-gw is the kernel's: it must not notice. That of udp ends with the daemon. */
export async function injectDaemon(scene: Scene, fault: Of<'daemon-kill' | 'daemon-freeze'>): Promise<void> {
  const node = nodeOf(scene, fault.host);
  const { conditions, disturbances, setting } = scene;
  if (setting.backend === 'udp')
    disturbances.beginUntil([fault.host], 'the daemon carries no packets', monotonic(), () =>
      conditions.mends(fault.host),
    );
  if (fault.kind === 'daemon-kill') await node.kill();
  else node.freeze();
  await pause(fault.forMs);
  if (fault.kind === 'daemon-kill') node.release();
  else node.thaw();
}

/** Taken down, a link loses its routes; of those that are not the daemon's the lab takes care, as a network service would. */
export async function injectLink(scene: Scene, fault: Of<'link-flap'>): Promise<void> {
  const { host } = nodeOf(scene, fault.host);
  const { conditions, disturbances, lab } = scene;
  const reason = `eth0 of ${host.name} is down`;
  disturbances.beginUntil([fault.host], reason, monotonic(), () => conditions.mends(fault.host));
  conditions.link(fault.host, false);
  if (fault.how === 'carrier') {
    await lab.wire.ip([`link set ${host.name} down`]);
    await pause(fault.forMs);
    await lab.wire.ip([`link set ${host.name} up`]);
  } else {
    await host.ip(['link set eth0 down']);
    await pause(fault.forMs);
    await host.ip(['link set eth0 up', DEFAULT_ROUTE]);
  }
  conditions.link(fault.host, true);
}

export async function injectKernel(scene: Scene, fault: Of<'kernel-delete'>): Promise<void> {
  const { host } = nodeOf(scene, fault.host);
  const { conditions, disturbances, setting } = scene;
  const reason = `${fault.what} deleted on ${host.name}`;
  disturbances.beginUntil([fault.host], reason, monotonic(), () => conditions.mends(fault.host));
  const lines = await kernelNow(host, setting.backend);
  const commands = deletions(fault.what, DEVICES[setting.backend], lines, fault.choice);
  let done = 0;
  for (const [program, ...args] of commands) done += (await host.exec(program, args)).code === 0 ? 1 : 0;
  if (done > 0) return;
  scene.figures.skipped++;
  scene.timeline.note(`there was no ${fault.what} to delete on ${host.name}`);
}

/** The commands that delete a part, given what there is. */
function deletions(
  what: KernelPart,
  device: string,
  lines: readonly string[],
  choice: number,
): readonly (readonly [string, ...string[]])[] {
  const of = (kind: string): string[] => lines.filter((line) => line.startsWith(`${kind} `));
  const one = (kind: string): string[] =>
    of(kind)
      .slice(choice % Math.max(1, of(kind).length))
      .slice(0, 1);
  const words = (line: string): string[] => line.split(' ').slice(1);
  switch (what) {
    case 'device':
      return [['ip', 'link', 'del', device]];
    case 'down':
      return [['ip', 'link', 'set', device, 'down']];
    case 'address':
      return one('address').map((line) => ['ip', 'address', 'del', ...words(line), 'dev', device]);
    case 'route':
      return one('route').map((line) => ['ip', 'route', 'del', ...words(line)]);
    case 'routes':
      return of('route').map((line) => ['ip', 'route', 'del', ...words(line)]);
    case 'neighbour':
      return one('neighbour').map((line) => ['ip', 'neighbour', 'del', words(line)[0] ?? '', 'dev', device]);
    case 'fdb':
      return one('fdb').map((line) => ['bridge', 'fdb', 'del', ...words(line), 'dev', device, 'self']);
  }
}
