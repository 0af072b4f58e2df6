// The table of backends: the only file that names them all.

import type { Backend } from './backend.js';
import { hostGw } from './hostgw/index.js';
import { udp } from './udp/index.js';
import { vxlan } from './vxlan/index.js';

/** One row a backend, by the lower-case name in the config. */
export const BACKENDS: readonly Backend[] = [vxlan, hostGw, udp];
