// The network config and the env file → the config of the plugin that does the work. Pure, and to the letter upstream's:
// what is in the stored states of running containers was made by the same rules.

import { isCount, isRecord, type JsonRecord } from '../checked-json.js';
import { FAMILIES, parseCidr, parseIp } from '../subnet/cidr.js';
import type { NetConf } from './conf.js';
import { CniError } from './errors.js';
import { shown } from './invocation.js';
import type { SubnetEnv } from './subnet-env.js';

const DEFAULT_TYPE = 'bridge';
const DEFAULT_IPAM = 'host-local';
/** What a route may have besides dst and gw, since version 1.1.0. */
const ROUTE_NUMBERS = ['mtu', 'advmss', 'priority', 'table', 'scope'];

/** Which plugin the config means. Throws CniError `config`. */
export function delegateType(conf: NetConf): string {
  const type = conf.delegate['type'] ?? DEFAULT_TYPE;
  if (typeof type === 'string' && isPluginName(type)) return type;
  throw new CniError('config', `invalid plugin name: ${shown(type)}`);
}

/** Whether a name stands for a file of CNI_PATH, and not for one elsewhere, or for this plugin itself. */
export function isPluginName(name: string): boolean {
  return /^[^/\0-\x1f\x7f]{1,255}$/.test(name) && name !== '.' && name !== '..' && name !== 'flannel';
}

/** Throws CniError `config` for a delegate or routes that cannot be used. */
export function delegateConf(conf: NetConf, env: SubnetEnv): JsonRecord {
  const type = delegateType(conf);
  return {
    ipMasq: !env.ipMasq,
    mtu: env.mtu,
    ...(type === DEFAULT_TYPE ? { isGateway: true } : {}),
    ...conf.delegate,
    type,
    name: conf.name,
    ...(conf.cniVersion === '' ? {} : { cniVersion: conf.cniVersion }),
    ...(conf.runtimeConfig === undefined ? {} : { runtimeConfig: conf.runtimeConfig }),
    ipam: {
      type: DEFAULT_IPAM,
      ...conf.ipam,
      ranges: FAMILIES.flatMap((family) => {
        const subnet = env.subnets[family];
        return subnet === undefined ? [] : [[{ subnet }]];
      }),
      routes: [
        ...givenRoutes(conf.ipam['routes']),
        ...FAMILIES.flatMap((family) => (env.networks[family] ?? []).map((dst) => ({ dst }))),
      ],
    },
  };
}

function givenRoutes(routes: unknown): readonly JsonRecord[] {
  if (routes === undefined || routes === null) return [];
  if (!Array.isArray(routes)) throw noRoutes('it is not a list');
  return routes.map(routeIn);
}

function routeIn(route: unknown): JsonRecord {
  if (!isRecord(route)) throw noRoutes('a member is not an object');
  const { dst, gw } = route;
  const prefix = typeof dst === 'string' ? parseCidr(dst) : undefined;
  if (prefix === undefined) throw noRoutes(`invalid CIDR address: ${shown(dst).slice(1, -1)}`);
  const gateway = typeof gw === 'string' && gw !== '' ? parseIp(gw) : undefined;
  if (gateway === undefined && gw !== undefined && gw !== null && gw !== '')
    throw noRoutes(`invalid IP address: ${shown(gw).slice(1, -1)}`);
  const numbers = ROUTE_NUMBERS.flatMap((name) =>
    isCount(route[name]) ? [[name, route[name]] as const] : [],
  );
  return { dst: prefix, ...(gateway === undefined ? {} : { gw: gateway }), ...Object.fromEntries(numbers) };
}

function noRoutes(reason: string): CniError {
  const text = 'failed to assemble Delegate IPAM: failed to read IPAM routes: failed to parse ipam.routes';
  return new CniError('config', `${text}: ${reason}`);
}

/** JSON with sorted names, as Go writes maps: equal configs are equal texts. */
export function sortedJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isRecord(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, member]) => [name, sorted(member)]));
}
