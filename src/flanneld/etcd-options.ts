// What the etcd flags say, of the daemon's command line and of the commands' that ask etcd themselves.
// Files are named here, and read by the client.

import type { EtcdOptions } from '../etcd/client.js';
import { EndpointError, parseEndpoints } from '../etcd/endpoints.js';
import { UsageError } from './errors.js';
import type { Options } from './flags.js';

export type EtcdFlags = Pick<
  Options,
  'etcd-endpoints' | 'etcd-cafile' | 'etcd-certfile' | 'etcd-keyfile' | 'etcd-username' | 'etcd-password'
>;

/** How to reach etcd. Throws UsageError for flags that contradict each other, or name no endpoint. */
export function etcdOptions(options: EtcdFlags): EtcdOptions {
  const [ca, cert, key] = [options['etcd-cafile'], options['etcd-certfile'], options['etcd-keyfile']];
  if ((cert === '') !== (key === '')) {
    throw new UsageError('-etcd-certfile and -etcd-keyfile belong together; give both or neither');
  }
  const [username, password] = [options['etcd-username'], options['etcd-password']];
  if ((username === '') !== (password === '')) {
    throw new UsageError('-etcd-username and -etcd-password belong together; give both or neither');
  }
  const tls = {
    ...(ca === '' ? {} : { caFile: ca }),
    ...(cert === '' ? {} : { certFile: cert, keyFile: key }),
  };
  try {
    return {
      endpoints: parseEndpoints(options['etcd-endpoints']),
      ...(Object.keys(tls).length === 0 ? {} : { tls }),
      ...(username === '' ? {} : { credentials: { username, password } }),
    };
  } catch (error) {
    if (error instanceof EndpointError) throw new UsageError(`-etcd-endpoints: ${error.message}`);
    throw error;
  }
}
