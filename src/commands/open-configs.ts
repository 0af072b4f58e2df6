// Network configs as hosts take them: read by their parser and their backends' own checks, compared as a running network
// compares them. Pure; it is called so because only files of this name know the backends.

import { BACKENDS } from '../backends/index.js';
import { parseUdpConfig } from '../backends/udp/config.js';
import { AUTO, parseVxlanOptions } from '../backends/vxlan/config.js';
import { vtepMac } from '../backends/vxlan/mac.js';
import type { Place } from '../flanneld/host-places.js';
import { backendOf } from '../flanneld/network-setup.js';
import type { JsonValue } from '../json.js';
import type { Mac } from '../kernel/kernel.js';
import { compareConfigs, type ConfigChange } from '../subnet/config-change.js';
import { parseNetworkConfig, type NetworkConfig } from '../subnet/network-config.js';

/** A config that a host can use. Throws ConfigError. */
export function readConfig(text: string): NetworkConfig {
  const config = parseNetworkConfig(text);
  const { type, options } = config.backend;
  backendOf(BACKENDS, type).compare(options, options);
  return config;
}

/** What a running network makes of another config. Throws ConfigError. */
export function configChange(before: NetworkConfig, after: NetworkConfig): ConfigChange {
  return compareConfigs(before, after, (was, is) =>
    backendOf(BACKENDS, is.backend.type).compare(was.backend.options, is.backend.options),
  );
}

/** What the network occupies on every host that runs it. Throws ConfigError. */
export function placeIn(network: string, config: NetworkConfig, writtenAt = 0n): Place {
  const ranges = [config.enabled[4]?.network, config.enabled[6]?.network].filter(
    (range) => range !== undefined,
  );
  const tunnel = tunnelIn(config);
  return {
    network,
    ranges,
    isolated: config.isolated,
    writtenAt,
    ...(tunnel === undefined ? {} : { tunnel }),
  };
}

/** A VNI that hosts agree upon is nobody else's. */
function tunnelIn({ backend: { type, options } }: NetworkConfig): Place['tunnel'] {
  if (type === 'udp') return { device: '', port: parseUdpConfig(options).port };
  if (type !== 'vxlan') return undefined;
  const { vni, port } = parseVxlanOptions(options);
  return vni === AUTO ? undefined : { device: '', port, vni };
}

/** The MAC of a vxlan peer's device, by its lease; undefined for none that a device can have. */
export function announcedMac(backendData: JsonValue | undefined): Mac | undefined {
  return vtepMac(backendData);
}
