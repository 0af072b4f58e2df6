// Collects env files and what else lies in the daemon's folders. Reads them, bounded, and changes nothing.

import { basename, join } from 'node:path';
import { FLAGS } from '../flanneld/flags.js';
import { DEFAULT_SUBNET_FILE, parseSubnetEnv } from '../flanneld/subnet-env.js';
import type { DaemonFacts, EnvSeen, FileFacts } from './facts.js';
import { errnoOf, namesIn, readText } from './read-text.js';

const ENV_LIMIT = 64 * 1024;
const MOST_FILES = 1_000;

export async function readFiles(daemons: DaemonFacts | undefined): Promise<FileFacts> {
  const answering = daemons?.answering ?? [];
  const dirs = optionsOf(answering, 'subnet-dir', FLAGS['subnet-dir'].default);
  const states = optionsOf(answering, 'state-dir', FLAGS['state-dir'].default);
  const named = answering.flatMap(({ status }) => status.networks.flatMap(({ subnetFiles }) => subnetFiles));
  const found = (await Promise.all(dirs.map((dir) => pathsIn(dir, '.env')))).flat();
  const paths = [...new Set([DEFAULT_SUBNET_FILE, ...named, ...found])].slice(0, MOST_FILES);
  const env = (await Promise.all(paths.map(readEnv))).flat();
  // With a daemon that cannot be asked, nobody can say what is stale.
  if (answering.length === 0 || (daemons?.refused.length ?? 0) > 0) return { env, stale: [] };
  const names = new Set(answering.flatMap(({ status }) => status.networks.map(({ name }) => name)));
  const stale = [
    ...found.filter((path) => !named.includes(path)).map(ofNobody),
    ...(await staleStates(states, names)),
  ];
  return { env, stale };
}

function optionsOf(answering: DaemonFacts['answering'], name: string, fallback: string): readonly string[] {
  const given = answering.map(({ options }) => options[name]).filter((value) => typeof value === 'string');
  return [...new Set(given.length === 0 ? [fallback] : given)];
}

async function pathsIn(folder: string, suffix: string): Promise<readonly string[]> {
  return (await namesIn(folder)).filter((name) => name.endsWith(suffix)).map((name) => join(folder, name));
}

/** Nothing for a file that is not there. */
async function readEnv(path: string): Promise<readonly EnvSeen[]> {
  const network = path === DEFAULT_SUBNET_FILE ? undefined : basename(path, '.env');
  const place = { path, ...(network === undefined ? {} : { network }) };
  try {
    const text = await readText(path, ENV_LIMIT);
    return text === undefined ? [] : [{ ...place, ...valuesIn(text) }];
  } catch (error) {
    return [{ ...place, error: errnoOf(error) }];
  }
}

function valuesIn(text: string): Partial<EnvSeen> {
  const { networks, subnets } = parseSubnetEnv(text);
  const [range] = networks;
  const mtu = /^FLANNEL_MTU=(\d{1,5})$/m.exec(text)?.[1];
  const masq = /^FLANNEL_IPMASQ=(true|false)$/m.exec(text)?.[1];
  return {
    ...(range === undefined ? {} : { range }),
    ...(subnets[4] === undefined ? {} : { subnet: subnets[4] }),
    ...(mtu === undefined ? {} : { mtu: Number(mtu) }),
    ...(masq === undefined ? {} : { ipMasq: masq === 'true' }),
  };
}

function ofNobody(path: string): FileFacts['stale'][number] {
  return { path, why: 'an env file of no network that runs here; pods made by it would be cut off' };
}

/** A folder a network, and in it files that could not be used and were put aside. */
async function staleStates(
  folders: readonly string[],
  names: ReadonlySet<string>,
): Promise<FileFacts['stale']> {
  const stale: FileFacts['stale'][number][] = [];
  for (const folder of folders) {
    for (const name of await namesIn(folder)) {
      const inside = await namesIn(join(folder, name));
      if (!names.has(name) && inside.includes('instance'))
        stale.push({ path: join(folder, name), why: 'the state of a network that does not run here' });
      for (const bad of inside.filter((file) => file.endsWith('.bad')))
        stale.push({ path: join(folder, name, bad), why: 'could not be used, and was put aside' });
    }
  }
  return stale;
}
