// The network configuration: reads the JSON text of <prefix>/config into plain values, with flannel's fields,
// defaults, bounds and error texts (pkg/subnet/config.go). It reads no store and knows no backend's options.
//
//   {"Network":"10.5.0.0/16","SubnetLen":24,"Backend":{"Type":"vxlan","VNI":1}}

import type { JsonObject } from '../json.js';
import type { PerFamily } from './cidr.js';
import { readConfigFields } from './config-fields.js';
import { rangeOf, type FamilyConfig } from './config-range.js';
import { ConfigError } from './errors.js';

export interface NetworkConfig {
  /** The families in use; one that is off is absent. At least one is present. */
  readonly enabled: PerFamily<FamilyConfig>;
  /** nftables instead of iptables; undefined when the config does not say. */
  readonly enableNFTables: boolean | undefined;
  /** Whether traffic to and from the other networks of this daemon is dropped. Ours alone: upstream ignores it. */
  readonly isolated: boolean;
  /** Masquerade what leaves the overlay; undefined where the flag -ip-masq decides. Ours alone, too. */
  readonly ipMasq: boolean | undefined;
  /** Whether a running network may begin anew for what cannot change as it runs. Ours: upstream has no such field. */
  readonly replace: boolean;
  readonly backend: BackendConfig;
}

interface BackendConfig {
  /** In lower case; `udp` when there is no Backend, empty when it names no type. */
  readonly type: string;
  /** The whole Backend object; its values are for the backend to check (foldName in go-json.ts compares names). */
  readonly options: JsonObject;
}

/** Reads and checks a configuration. Throws ConfigError and nothing else. */
export function parseNetworkConfig(text: string): NetworkConfig {
  const config = readNetworkConfig(text);
  refuseUnsupported(config);
  return config;
}

/** Reads a configuration and checks it against flannel's rules, whether or not all of it can be served yet. */
export function readNetworkConfig(text: string): NetworkConfig {
  const fields = readConfigFields(text);
  const v4 = fields.enableIPv4 ? rangeOf(4, fields.families[4]) : undefined;
  const v6 = fields.enableIPv6 ? rangeOf(6, fields.families[6]) : undefined;
  if (v4 === undefined && v6 === undefined) {
    throw new ConfigError(
      'config-value',
      'none defined stack: EnableIPv4 and EnableIPv6 are both false; set one of them to true',
    );
  }
  return {
    enabled: { ...(v4 && { 4: v4 }), ...(v6 && { 6: v6 }) },
    enableNFTables: fields.enableNFTables,
    isolated: fields.isolated,
    ipMasq: fields.ipMasq,
    replace: fields.replace,
    backend: fields.backend,
  };
}

/** The one place that refuses what a valid configuration may ask for and this program cannot do yet. */
function refuseUnsupported(config: NetworkConfig): void {
  if (config.enabled[6] !== undefined) {
    throw new ConfigError(
      'config-unsupported',
      'EnableIPv6 is true, but IPv6 is not supported yet: set EnableIPv6 to false or leave it out',
    );
  }
}

/** What to report when there is no configuration at all. */
export function missingConfig(): ConfigError {
  return new ConfigError(
    'config-missing',
    'flannel config not found in etcd store. Did you create your config using etcdv3 API?',
  );
}
