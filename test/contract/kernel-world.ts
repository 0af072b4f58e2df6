// What the kernel contract's tests start from, and the objects they use: one node, its uplink, one peer.

import type { ExecutionContext, TestFn } from 'ava';
import {
  MAIN_TABLE,
  PROTOCOL,
  type Address,
  type FdbEntry,
  type Kernel,
  type KernelError,
  type KernelOperation,
  type Link,
  type Mac,
  type Neighbour,
  type NewLink,
  type Route,
  type Vxlan,
} from '../../src/kernel/kernel.js';
import { cidr, familyOf, ip, type Cidr, type Family } from '../../src/subnet/cidr.js';

/**
 * A kernel with a loopback and `eth0`: up, MTU 1500, 192.168.50.1/24 and fd50::1/64.
 * `other` acts on the same kernel as somebody else.
 */
export interface World {
  readonly kernel: Kernel;
  readonly other: Pick<Kernel, 'apply'>;
  close(): Promise<void>;
}

/** Makes a world, or says why it cannot (and has told `t`). */
export type MakeWorld = (t: ExecutionContext) => Promise<World | undefined>;

/** Registers a test that gets a world and closes it. */
export function worldTest(
  test: TestFn,
  make: MakeWorld,
): (title: string, body: (t: ExecutionContext, world: World) => Promise<void>) => void {
  return (title, body) => {
    test(title, async (t) => {
      const world = await make(t);
      if (world === undefined) return;
      try {
        await body(t, world);
      } finally {
        await world.close();
      }
    });
  };
}

export const VTEP = '7e:18:59:77:82:2a' as Mac;
export const PEER_VTEP = '7e:18:59:77:82:2b' as Mac;

export function vxlan(parent: number, more: Partial<Vxlan> = {}): Vxlan {
  const flags = { learning: false, gbp: false, l2miss: false, l3miss: false };
  return { vni: 1, parent, local: ip('192.168.50.1'), port: 8472, ...flags, ...more };
}

export function device(parent: number, more: Partial<NewLink> = {}): NewLink {
  return { name: 'flannel.1', mtu: 1450, mac: VTEP, alias: 'flanneld:test', vxlan: vxlan(parent), ...more };
}

export function tunDevice(more: Partial<NewLink> = {}): NewLink {
  return { name: 'flannel0', mtu: 1472, alias: 'flanneld:test', tun: { multiQueue: false }, ...more };
}

/** A route of ours; over a link alone, unless told otherwise. */
export function route(dst: Cidr, more: Partial<Route>): Route {
  const metric = familyOf(dst) === 4 ? 0 : 1024;
  const rest = { table: MAIN_TABLE, metric, protocol: PROTOCOL.flanneld, type: 'unicast', scope: 0 } as const;
  return { dst, ...rest, onlink: false, ...more };
}

/** What a peer needs on the device: of each family the same in its own addresses. */
export function peer(link: number, family: Family): { neighbour: Neighbour; fdb: FdbEntry; route: Route } {
  const base = family === 4 ? ip('10.5.9.0') : ip('fc00:5:0:9::');
  const dst = family === 4 ? cidr('10.5.9.0/24') : cidr('fc00:5:0:9::/64');
  const outer = family === 4 ? ip('192.168.50.2') : ip('fd50::2');
  return {
    neighbour: { link, ip: base, mac: PEER_VTEP, permanent: true },
    fdb: { link, mac: PEER_VTEP, dst: outer, permanent: true },
    route: route(dst, { gateway: base, link, onlink: true }),
  };
}

export function ownAddress(link: number, family: Family): Address {
  const address = family === 4 ? cidr('10.5.1.0/32') : cidr('fc00:5:0:1::/128');
  return { link, address, scope: 0, deprecated: false, temporary: false, permanent: true };
}

export type Verb = 'create' | 'replace' | 'delete';

export const of = {
  address: (verb: Verb, address: Address): KernelOperation => ({ kind: 'address', verb, address }),
  route: (verb: Verb, route: Route): KernelOperation => ({ kind: 'route', verb, route }),
  neighbour: (verb: Verb, neighbour: Neighbour): KernelOperation => ({ kind: 'neighbour', verb, neighbour }),
  fdb: (verb: Verb, entry: FdbEntry): KernelOperation => ({ kind: 'fdb', verb, entry }),
  newLink: (link: NewLink): KernelOperation => ({ kind: 'link', verb: 'create', link }),
  up: (index: number, up = true): KernelOperation => ({
    kind: 'link',
    verb: 'change',
    index,
    change: { up },
  }),
  deleteLink: (index: number): KernelOperation => ({ kind: 'link', verb: 'delete', index }),
};

/** The outcome of each operation: the errno's name, or `ok`. */
export async function codes(
  kernel: Pick<Kernel, 'apply'>,
  ...operations: readonly KernelOperation[]
): Promise<string[]> {
  return (await kernel.apply(operations)).map((error: KernelError | undefined) => error?.code ?? 'ok');
}

export async function linkNamed(kernel: Kernel, name: string): Promise<Link> {
  const link = (await kernel.links()).find((candidate) => candidate.name === name);
  if (link === undefined) throw new Error(`there is no link ${name}`);
  return link;
}

/** Creates the device, gives it its address and takes it up; returns its index. */
export async function deviceUp(kernel: Kernel): Promise<number> {
  const parent = (await linkNamed(kernel, 'eth0')).index;
  await expectOk(kernel, of.newLink(device(parent)));
  const { index } = await linkNamed(kernel, 'flannel.1');
  await expectOk(kernel, of.address('create', ownAddress(index, 4)), of.up(index));
  return index;
}

export async function expectOk(
  kernel: Pick<Kernel, 'apply'>,
  ...operations: readonly KernelOperation[]
): Promise<void> {
  const error = (await kernel.apply(operations)).find((outcome) => outcome !== undefined);
  if (error !== undefined) throw error;
}

/** The routes of both families that the kernel did not make itself. */
export async function madeRoutes(kernel: Kernel): Promise<Route[]> {
  const all = [...(await kernel.routes(4)), ...(await kernel.routes(6))];
  return all
    .filter(({ protocol }) => protocol !== PROTOCOL.kernel)
    .sort((a, b) => familyOf(a.dst) - familyOf(b.dst) || a.dst.localeCompare(b.dst) || a.metric - b.metric);
}
