// Gathers all facts: what tells which networks there are comes first, the rest beside each other; each within its time,
// so that the whole always ends. A fact that fails is missing with its reason, and the others go on.

import type { Clock } from '../clock.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ToolRunner } from '../kernel/tool.js';
import type { Collected, Gathered } from './check.js';
import { readChecksums } from './facts-checksums.js';
import { readDaemons, type DaemonAccess } from './facts-daemons.js';
import { readFiles } from './facts-files.js';
import { readHost, readModules, readNeighbours, readPrivileges, readSettings } from './facts-host.js';
import { readManagers } from './facts-managers.js';
import { readSockets, readUpstream } from './facts-processes.js';
import { readRules } from './facts-rules.js';
import { readStore, type StoreAccess } from './facts-store.js';
import type { DaemonFacts, KernelFacts } from './facts.js';
import { placesOf } from './places.js';

export interface Sources {
  readonly clock: Clock;
  readonly tool: ToolRunner;
  readonly daemons: DaemonAccess;
  /** Rejects where there is none to ask; the daemons say where they have theirs. */
  readonly store: (daemons: DaemonFacts | undefined) => Promise<StoreAccess>;
  readonly kernel: () => Promise<Pick<Kernel, 'links' | 'addresses' | 'routes'>>;
  /** Told what is looked at. */
  readonly progress: (what: string) => void;
}

/** Of each fact. Three rounds of it come one after another: nine seconds at the most. */
const LIMIT_MS = 3_000;

/** Never rejects. */
export async function gather(sources: Sources): Promise<Collected> {
  const { clock, tool, progress } = sources;
  const get = <T>(what: string, read: () => Promise<T>): Promise<Gathered<T>> => within(clock, what, read);
  progress('asking the daemon');
  const daemons = await get('the daemon', () => readDaemons(sources.daemons));
  const told = valueOf(daemons);
  progress('asking etcd');
  const [store, files] = await Promise.all([
    get('etcd', async () => readStore(await sources.store(told), clock)),
    get('the files', () => readFiles(told)),
  ]);
  const places = placesOf(withoutUnknown({ daemons: told, store: valueOf(store), files: valueOf(files) }));
  progress('looking at the host');
  const ports = new Set(places.map(({ port }) => port).filter((port) => port !== undefined));
  const pids = (told?.answering ?? []).map(({ status }) => status.pid);
  const host = {
    host: get('the kernel’s version', () => readHost()),
    modules: get('the kernel’s modules', () => readModules()),
    privileges: get('the capabilities', () => readPrivileges(pids)),
    settings: get('the settings', () => readSettings(places)),
    kernel: get('links and routes', async () => readKernel(await sources.kernel())),
    rules: get('the traffic rules', () => readRules(places, tool)),
    sockets: get('the sockets', () => readSockets(ports)),
    upstream: get('the processes', () => readUpstream()),
    managers: get('the managers of devices', () => readManagers(places, tool)),
    neighbours: get('the neighbour table', () => readNeighbours()),
    checksums: get('the checksums', () => readChecksums(places, { tool, clock })),
  };
  return {
    ...{ daemons, store, files },
    places: { known: true, value: places },
    host: await host.host,
    modules: await host.modules,
    privileges: await host.privileges,
    settings: await host.settings,
    kernel: await host.kernel,
    rules: await host.rules,
    sockets: await host.sockets,
    upstream: await host.upstream,
    managers: await host.managers,
    neighbours: await host.neighbours,
    checksums: await host.checksums,
  };
}

async function readKernel(kernel: Pick<Kernel, 'links' | 'addresses' | 'routes'>): Promise<KernelFacts> {
  const [links, addresses, routes] = await Promise.all([
    kernel.links(),
    kernel.addresses(),
    kernel.routes(4),
  ]);
  return { links, addresses, routes };
}

function within<T>(clock: Clock, what: string, read: () => Promise<T>): Promise<Gathered<T>> {
  return new Promise((resolve) => {
    const missing = (why: string): void => {
      cancel();
      resolve({ known: false, why: `${what} cannot be seen: ${why}` });
    };
    const cancel = clock.after(LIMIT_MS, () => {
      missing(`no answer within ${LIMIT_MS / 1_000} s`);
    });
    read().then(
      (value) => {
        cancel();
        resolve({ known: true, value });
      },
      (error: unknown) => {
        missing(error instanceof Error ? error.message : String(error));
      },
    );
  });
}

function valueOf<T>(gathered: Gathered<T>): T | undefined {
  return gathered.known ? gathered.value : undefined;
}

function withoutUnknown<T extends object>(values: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [Name in keyof T]?: Exclude<T[Name], undefined> };
}
