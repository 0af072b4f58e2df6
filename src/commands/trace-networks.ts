// The networks of this host for a trace: from the daemons that answer; of the others from the files they have left, with
// leases from etcd, or from the last snapshot where etcd does not answer.

import { ask, askAll } from '../api/client.js';
import { ApiError } from '../api/errors.js';
import type { NetworkDocument, PeerDocument } from '../api/model.js';
import { readSubnetEnv } from '../flanneld/subnet-env.js';
import type { Options } from '../flanneld/flags.js';
import { parseCidr, parseIp, type Cidr } from '../subnet/cidr.js';
import type { LeaseRecord } from '../subnet/lease.js';
import type { CommandIo } from './command.js';
import { CommandError } from './errors.js';
import { envFacts, readSnapshot, stateFacts, statusFacts } from './host-files.js';
import { announcedMac } from './open-configs.js';
import { withStore } from './open-store.js';
import type { TracedLease, TracedNetwork } from './trace-facts.js';
import { lineOf } from './words.js';

/** A network without what only the rules of the host tell. */
export type KnownNetwork = Omit<TracedNetwork, 'admitted' | 'dropping'>;

/** Throws ApiError where the socket that was named does not answer. */
export async function knownNetworks(
  options: Options,
  socket: string | undefined,
  io: Pick<CommandIo, 'err'>,
): Promise<readonly KnownNetwork[]> {
  const running = await runningNetworks(socket, io);
  const names = new Set(running.map(({ name }) => name));
  const left = await leftBehind(options, names, io);
  return [...running, ...left];
}

async function runningNetworks(
  socket: string | undefined,
  io: Pick<CommandIo, 'err'>,
): Promise<readonly KnownNetwork[]> {
  const found: KnownNetwork[] = [];
  for (const { socket: path, document } of await daemons(socket, io)) {
    for (const network of document.networks) {
      const { peers } = await ask(path, `/v1/networks/${encodeURIComponent(network.name)}/peers`);
      found.push(await fromDaemon(network, peers));
    }
  }
  return found;
}

async function daemons(
  socket: string | undefined,
  io: Pick<CommandIo, 'err'>,
): ReturnType<typeof askAll<'/v1/status'>> {
  try {
    return await askAll(socket, '/v1/status', (line) => {
      io.err(`flanneld: ${line}\n`);
    });
  } catch (error) {
    if (!(error instanceof ApiError) || socket !== undefined) throw error;
    if (error.code !== 'no-daemon') io.err(`flanneld: ${error.message}\n`);
    return [];
  }
}

async function fromDaemon(
  { name, subnetFiles, reasons, running }: NetworkDocument,
  peers: readonly PeerDocument[],
): Promise<KnownNetwork> {
  const [file] = subnetFiles;
  const env = file === undefined ? undefined : await readSubnetEnv(file);
  return {
    name,
    ranges: env?.networks ?? [],
    own: running === undefined ? undefined : firstSubnet(running.lease.subnet),
    leases: peers.flatMap(leaseOfPeer),
    source: 'flanneld',
    isRunning: running !== undefined,
    reasons: [...reasons.map(({ text }) => text), ...(running?.kernel.problems ?? [])],
  };
}

function leaseOfPeer({
  subnet,
  publicIp,
  nodeId,
  backendType,
  backendData,
  probe,
}: PeerDocument): readonly TracedLease[] {
  const [prefix, address] = [firstSubnet(subnet), parseIp(publicIp)];
  if (prefix === undefined || address === undefined) return [];
  return [{ subnet: prefix, publicIp: address, nodeId, backendType, mac: announcedMac(backendData), probe }];
}

/** Of a lease of two families the first is IPv4's. */
function firstSubnet(text: string): Cidr | undefined {
  return parseCidr(text.split(/[ ,&]/)[0] ?? '');
}

/** Networks that no daemon answers for, by what lies on the host. */
async function leftBehind(
  options: Options,
  running: ReadonlySet<string>,
  io: Pick<CommandIo, 'err'>,
): Promise<readonly KnownNetwork[]> {
  const [subnetDir, stateDir] = [options['subnet-dir'], options['state-dir']];
  const statuses = await statusFacts(subnetDir);
  const states = await stateFacts(stateDir, () => Promise.resolve(undefined));
  const envs = await envFacts(subnetDir, options['subnet-file'], statuses, (text) => {
    io.err(lineOf(`flanneld: ${text}`));
  });
  const names = new Set([
    ...statuses.map(({ network }) => network),
    ...states.map(({ network }) => network),
    ...envs.flatMap(({ network }) => network ?? []),
  ]);
  const found: KnownNetwork[] = [];
  for (const name of [...names].filter((one) => !running.has(one)).sort()) {
    const status = statuses.find(({ network }) => network === name);
    const state = states.find(({ network }) => network === name);
    const env = envs.find(
      ({ path, network }) => network === name || status?.subnetFiles.includes(path) === true,
    );
    const own = env === undefined ? undefined : (await readSubnetEnv(env.path))?.subnets[4];
    const prefix = status?.prefix ?? state?.prefix;
    found.push({
      name,
      ranges: [...(env?.ranges ?? []), ...(state?.ranges ?? [])],
      own,
      ...(await storedLeases(options, prefix, state?.folder, own, io)),
      isRunning: false,
      reasons: [],
    });
  }
  return found;
}

/** From etcd, else from the snapshot, else none. */
async function storedLeases(
  options: Options,
  prefix: string | undefined,
  stateFolder: string | undefined,
  own: Cidr | undefined,
  io: Pick<CommandIo, 'err'>,
): Promise<Pick<KnownNetwork, 'leases' | 'source'>> {
  const others = (records: readonly LeaseRecord[]): readonly TracedLease[] =>
    records.filter(({ subnets }) => subnets[4] !== own).flatMap(leaseOfRecord);
  if (prefix !== undefined) {
    try {
      const { records } = await withStore(options, io, ({ registryOf }) => registryOf(prefix).list());
      return { leases: others(records), source: 'etcd' };
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      io.err(`flanneld: ${error.message}\n`);
    }
  }
  const snapshot = stateFolder === undefined ? undefined : await readSnapshot(stateFolder);
  if (snapshot === undefined) return { leases: [], source: 'nothing that is left on this host' };
  return { leases: others(snapshot.peers), source: 'the last snapshot' };
}

function leaseOfRecord({ subnets, attributes }: LeaseRecord): readonly TracedLease[] {
  const { publicIps, nodeId = '', backendType, backendData } = attributes;
  const [subnet, publicIp] = [subnets[4], publicIps[4]];
  if (subnet === undefined || publicIp === undefined) return [];
  return [{ subnet, publicIp, nodeId, backendType, mac: announcedMac(backendData[4]), probe: undefined }];
}
