// CHECK: the delegate's, with the config it was given at ADD and the result that the runtime remembers; before that, whether
// the addresses it gave are still this host's.

import { withGateways } from './check-result.js';
import { isRecord, parseRecord, type JsonRecord } from '../checked-json.js';
import type { Call } from './context.js';
import { findDelegate, runDelegate } from './delegate.js';
import { sortedJson } from './delegate-conf.js';
import { asCniError, CniError } from './errors.js';
import { typeOf } from './record.js';
import { StateFolder } from './state.js';
import { readSubnetEnv } from './subnet-env.js';

/** Throws CniError: what is not as it should be. */
export function check(call: Call): void {
  const { parts, invocation, conf } = call;
  const text = storedConf(call);
  const stored = parseRecord(text) ?? {};
  checkSubnets(call, stored);
  const current = {
    ...stored,
    cniVersion: conf.cniVersion,
    ...(conf.runtimeConfig === undefined ? {} : { runtimeConfig: conf.runtimeConfig }),
    ...(conf.prevResult === undefined ? {} : { prevResult: withGateways(conf.prevResult) }),
  };
  const program = findDelegate(typeOf(text) ?? '', invocation.path);
  runDelegate(parts, { command: 'CHECK', program, conf: sortedJson(current) });
}

function storedConf({ invocation, conf }: Call): string {
  const { containerId, ifname } = invocation;
  const state = new StateFolder(conf.dataDir);
  const found = state.find(containerId, ifname);
  if (found.kind === 'record') return found.record.conf;
  const upstreams = found.kind === 'absent' ? state.upstreams(containerId) : undefined;
  if (upstreams !== undefined && typeOf(upstreams.text) !== undefined) return upstreams.text;
  if (found.kind === 'unreadable' || upstreams !== undefined)
    throw new CniError('decoding', `failed to parse netconf: ${upstreams?.path ?? found.path} is damaged`);
  throw new CniError(
    'unknown-container',
    `container ${containerId} has no ${ifname} of network ${conf.name}`,
    `there is no ${found.path}`,
  );
}

/** A host that has got another subnet meanwhile gets no packets for addresses of the former one. */
function checkSubnets({ parts, conf }: Call, stored: JsonRecord): void {
  const given = subnetsIn(stored);
  let current: readonly string[];
  try {
    current = Object.values(readSubnetEnv(conf.subnetFile).subnets);
  } catch (error) {
    // What is attached goes on without the file, which is STATUS's to report.
    parts.tell(`not compared with ${conf.subnetFile}: ${asCniError(error).message}`);
    return;
  }
  const gone = given.filter((subnet) => !current.includes(subnet));
  if (gone.length === 0) return;
  throw new CniError(
    'outdated',
    `the addresses are of ${gone.join(', ')}, and this host now has ${current.join(', ')} (${conf.subnetFile})`,
    'the container has to be made anew',
  );
}

/** The subnets of the ranges that delegate-conf.ts has made. */
function subnetsIn(stored: JsonRecord): readonly string[] {
  const ranges: unknown = isRecord(stored['ipam']) ? stored['ipam']['ranges'] : undefined;
  if (!Array.isArray(ranges)) return [];
  return ranges.flat().flatMap((range: unknown) => {
    const subnet = isRecord(range) ? range['subnet'] : undefined;
    return typeof subnet === 'string' ? [subnet] : [];
  });
}
