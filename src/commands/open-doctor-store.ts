// Opens etcd for the doctor: by the options of the command and its environment, and where they say nothing by what the
// daemon of this host says of its own. It reads, and writes nothing.

import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { JsonRecord } from '../checked-json.js';
import type { StoreAccess } from '../doctor/facts-store.js';
import type { ConfigSeen, DaemonFacts, SeenLease } from '../doctor/facts.js';
import { EtcdClient, type EtcdOptions, type EtcdParts } from '../etcd/client.js';
import { loadTls, type TlsMaterial } from '../etcd/tls.js';
import type { Endpoint } from '../etcd/endpoints.js';
import { etcdOptions } from '../flanneld/etcd-options.js';
import { environmentName, type Options } from '../flanneld/flags.js';
import { EtcdAdmin } from '../subnet/etcd-admin.js';
import { EtcdRegistry } from '../subnet/etcd-registry.js';
import { ConfigError } from '../subnet/errors.js';
import type { CommandArguments, CommandIo } from './command.js';
import { CommandError } from './errors.js';
import { placeIn, readConfig } from './open-configs.js';
import { asUsage, ETCD_FLAGS, NETWORK_FLAGS, readDaemonOptions } from './store-options.js';
import { planOf, storedNetworks } from './store-networks.js';

/** The doctor gives etcd three seconds in all. */
const CALL_MS = 2_000;

export interface OpenedAccess {
  readonly access: StoreAccess;
  readonly close: () => void;
}

/** Throws CommandError for options that name no etcd that could be asked. */
export async function openStoreAccess(
  args: CommandArguments,
  environment: CommandIo['env'],
  daemons: DaemonFacts | undefined,
  parts: EtcdParts,
): Promise<OpenedAccess> {
  const options = effectiveOptions(args, environment, daemons?.answering[0]?.options ?? {});
  const etcd: EtcdOptions = { ...asUsage(() => etcdOptions(options)), callTimeoutMs: CALL_MS };
  const tls = etcd.tls === undefined ? undefined : await loadTls(etcd.tls, options['etcd-endpoints']);
  const shared = new EtcdClient(etcd, parts);
  const single = new Map(
    etcd.endpoints.map((endpoint) => [
      endpoint.text,
      new EtcdClient({ ...etcd, endpoints: [endpoint] }, parts),
    ]),
  );
  const admin = new EtcdAdmin(shared, parts.logger);
  const plan = planOf(options);
  const [prefix = '/coreos.com/network'] = plan.named.map((network) => network.prefix);
  const access: StoreAccess = {
    endpoints: etcd.endpoints.map(({ text }) => text),
    tls: etcd.endpoints.some((endpoint) => speaksTls(endpoint, tls)),
    status: (endpoint) => (single.get(endpoint) ?? shared).status(),
    date: (text) => {
      const endpoint = etcd.endpoints.find((candidate) => candidate.text === text);
      return endpoint === undefined ? Promise.resolve(undefined) : dateOf(endpoint, tls);
    },
    read: async () => {
      await admin.config(prefix);
    },
    networks: async () =>
      (await storedNetworks({ admin }, plan)).map((network) => ({
        name: network.name,
        prefix: network.prefix,
        text: network.config?.text,
      })),
    leases: (at) => leasesAt(new EtcdRegistry({ client: shared, sharedClient: true, prefix: at, ...parts })),
    readConfig: configSeen,
  };
  const close = (): void => {
    for (const client of [shared, ...single.values()]) client.close();
  };
  return { access, close };
}

/** What the command is given, else what the daemon was; it does not tell its password. */
function effectiveOptions(args: CommandArguments, environment: CommandIo['env'], told: JsonRecord): Options {
  const names = [...ETCD_FLAGS, ...NETWORK_FLAGS];
  const given = readDaemonOptions(args, environment, names);
  const isGiven = (name: (typeof names)[number]): boolean =>
    args[name] !== undefined || (environment[environmentName(name)] ?? '') !== '';
  const texts = ETCD_FLAGS.filter(
    (name) => name !== 'etcd-password' && !isGiven(name) && typeof told[name] === 'string',
  );
  const prefixes = told['etcd-prefix'];
  const options: Options = {
    ...given,
    ...Object.fromEntries(texts.map((name) => [name, told[name]])),
    ...(!isGiven('etcd-prefix') && isTexts(prefixes) ? { 'etcd-prefix': prefixes } : {}),
    ...(!isGiven('networks-prefix') && typeof told['networks-prefix'] === 'string'
      ? { 'networks-prefix': told['networks-prefix'] }
      : {}),
  };
  if (options['etcd-username'] === '' || options['etcd-password'] !== '') return options;
  throw new CommandError(
    'command-usage',
    `etcd wants the password of ${options['etcd-username']}: set FLANNELD_ETCD_PASSWORD, as the daemon has it`,
  );
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((part) => typeof part === 'string');
}

function speaksTls({ secure }: Endpoint, tls: TlsMaterial | undefined): boolean {
  return secure ?? tls !== undefined;
}

/** Any answer has the header; the one to /version is small, and needs no user. Rejects with the system's error. */
function dateOf(endpoint: Endpoint, tls: TlsMaterial | undefined): Promise<number | undefined> {
  const secure = speaksTls(endpoint, tls);
  const isSocket = endpoint.target.startsWith('unix:');
  const place: RequestOptions = isSocket
    ? { socketPath: endpoint.target.slice('unix:'.length) }
    : { host: endpoint.host, port: Number(/:(\d+)$/.exec(endpoint.target)?.[1]) };
  const options = { ...place, path: '/version', agent: false, signal: AbortSignal.timeout(CALL_MS) };
  const certificates = tls === undefined ? {} : { ca: tls.ca, cert: tls.cert, key: tls.key };
  return new Promise((resolve, reject) => {
    const request = secure ? httpsRequest({ ...options, ...certificates }) : httpRequest(options);
    request.on('error', reject).on('response', (response) => {
      response.destroy();
      const date = Date.parse(response.headers.date ?? '');
      resolve(Number.isNaN(date) ? undefined : date);
    });
    request.end();
  });
}

async function leasesAt(registry: Pick<EtcdRegistry, 'list'>): Promise<readonly SeenLease[]> {
  const { records } = await registry.list();
  return records.map(({ subnets, attributes }) => ({
    subnet: subnets[4] ?? subnets[6] ?? '',
    publicIp: attributes.publicIps[4] ?? attributes.publicIps[6] ?? '',
    nodeId: attributes.nodeId ?? '',
  }));
}

function configSeen(text: string): ConfigSeen {
  try {
    const config = readConfig(text);
    const { ranges, tunnel } = placeIn('', config);
    const [range] = ranges;
    if (range === undefined) return { usable: false, reason: 'it has no range' };
    const { type } = config.backend;
    return {
      ...{ usable: true, range, backend: type },
      ...(tunnel?.port === undefined ? {} : { port: tunnel.port }),
      ...(tunnel?.vni === undefined ? {} : { vni: tunnel.vni }),
    };
  } catch (error) {
    if (error instanceof ConfigError) return { usable: false, reason: error.message };
    throw error;
  }
}
