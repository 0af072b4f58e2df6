// Where everything of a network lies in etcd, and what each etcd error means to the users of a registry. No call is made
// here. flannel lists `<prefix>/subnets*`, so whatever is ours alone lies outside of it.

import { posix } from 'node:path';

import { EtcdError, type EtcdErrorCode } from '../etcd/errors.js';
import { RegistryError, type RegistryErrorCode } from './errors.js';

/** The keys of one network; folders end with a slash. */
export interface EtcdKeys {
  /** Without a trailing slash: empty for the root. */
  readonly prefix: string;
  readonly config: string;
  readonly leases: string;
  readonly nodes: string;
  readonly used: string;
  readonly revoked: string;
  /** The VNI it has claimed, if any. */
  readonly vni: string;
  /** The folder its prefix is in, with the networks beside it: `/` for one at the root. */
  readonly parent: string;
  /** Which VNIs the networks of that folder have claimed. */
  readonly vnis: string;
}

/** Doubled and trailing slashes of the prefix do not matter, as in flannel. */
export function etcdKeys(prefix: string): EtcdKeys {
  const folder = (name: string): string => `${posix.join(prefix, name)}/`;
  const path = posix.join(prefix, '.').replace(/\/$/, '');
  const parent = path === '' ? '/' : path.slice(0, path.lastIndexOf('/') + 1);
  return {
    prefix: path,
    config: posix.join(prefix, 'config'),
    leases: folder('subnets'),
    nodes: folder('nodes'),
    used: folder('used'),
    revoked: folder('revoked'),
    vni: posix.join(prefix, 'vni'),
    parent,
    vnis: `${parent}.vnis/`,
  };
}

const CODES: Readonly<Record<EtcdErrorCode, RegistryErrorCode>> = {
  unreachable: 'unavailable',
  deadline: 'unavailable',
  interrupted: 'unavailable',
  busy: 'unavailable',
  'no-space': 'unavailable',
  closed: 'unavailable',
  refused: 'unavailable',
  // Between two pages of a listing; the next listing starts afresh.
  compacted: 'unavailable',
  unauthenticated: 'denied',
  'permission-denied': 'denied',
  'lease-not-found': 'lease-gone',
  'wrong-protocol': 'protocol',
  tls: 'protocol',
  'too-large': 'protocol',
};

/** Carries out an operation; an EtcdError becomes the RegistryError that its callers understand. */
export async function asRegistry<T>(
  { prefix }: Pick<EtcdKeys, 'prefix'>,
  operation: string,
  action: (operation: string) => Promise<T>,
): Promise<T> {
  try {
    return await action(operation);
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    const { code, endpoint, reason } = error;
    const remedy =
      code === 'permission-denied'
        ? `allow it with: etcdctl role grant-permission ROLE readwrite ${prefix}/ --prefix=true`
        : error.remedy;
    const message = `${operation}: etcd ${endpoint}: ${reason}; ${remedy}`;
    throw new RegistryError(CODES[code], operation, message, { cause: error });
  }
}
