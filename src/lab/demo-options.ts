// The demo's command line: parsed, bounded, explained. Pure.

import { parseArgs } from 'node:util';
import { errorText } from './errors.js';

/** What each backend of the demo puts under "Backend" in the network config: one row a backend. */
export const DEMO_BACKENDS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  vxlan: { Type: 'vxlan' },
  'host-gw': { Type: 'host-gw' },
  udp: { Type: 'udp' },
};

const MAX_NODES = 50;

export interface DemoOptions {
  readonly backend: string;
  readonly nodes: number;
  /** 2 shows the multi-network guide instead. */
  readonly networks: number;
  readonly keep: boolean;
  readonly help: boolean;
  /** Another flanneld to show instead of this project's. */
  readonly flanneld: string | undefined;
}

export const DEMO_HELP = `Usage: npm run demo -- [options]

Makes hosts out of Linux namespaces, starts an etcd and a real flanneld on each host,
puts a pod behind each, and shows that every pod reaches every other.

  --backend NAME    ${Object.keys(DEMO_BACKENDS).join(', ')} (default: vxlan)
  --nodes N         how many hosts, 2 to ${MAX_NODES} (default: 3)
  --networks 2      show a pod on two networks instead: the multi-network guide, the old way and ours
  --keep            leave it up and print how to enter it; Ctrl-C ends it
  --flanneld PATH   show another flanneld, for example upstream's
  --help            this text

Needs root. Leaves nothing behind: no namespace, no process, no file.
`;

/** A wrong command line, in one line. */
export class DemoUsageError extends Error {}

/** Parses the arguments after the program's name. @throws DemoUsageError */
export function parseDemoOptions(args: readonly string[]): DemoOptions {
  const values = parse(args);
  const backend = values.backend ?? 'vxlan';
  if (!Object.hasOwn(DEMO_BACKENDS, backend)) {
    const known = Object.keys(DEMO_BACKENDS).join(', ');
    throw new DemoUsageError(`--backend ${backend}: not a backend of this demo; choose from: ${known}`);
  }
  const nodes = values.nodes ?? '3';
  if (!/^\d{1,3}$/.test(nodes) || Number(nodes) < 2 || Number(nodes) > MAX_NODES) {
    throw new DemoUsageError(`--nodes ${nodes}: must be a number from 2 to ${MAX_NODES}`);
  }
  const networks = values.networks ?? '1';
  if (networks !== '1' && networks !== '2') {
    throw new DemoUsageError(`--networks ${networks}: must be 1 or 2`);
  }
  if (networks === '2' && (values.keep === true || values.backend !== undefined)) {
    throw new DemoUsageError('--networks 2 shows vxlan and ends: leave out --keep and --backend');
  }
  return {
    backend,
    nodes: Number(nodes),
    networks: Number(networks),
    keep: values.keep ?? false,
    help: values.help ?? false,
    flanneld: values.flanneld,
  };
}

interface RawOptions {
  readonly backend?: string;
  readonly nodes?: string;
  readonly networks?: string;
  readonly keep?: boolean;
  readonly help?: boolean;
  readonly flanneld?: string;
}

function parse(args: readonly string[]): RawOptions {
  try {
    return parseArgs({
      args: [...args],
      strict: true,
      allowPositionals: false,
      options: {
        backend: { type: 'string' },
        nodes: { type: 'string' },
        networks: { type: 'string' },
        keep: { type: 'boolean' },
        help: { type: 'boolean' },
        flanneld: { type: 'string' },
      },
    }).values;
  } catch (error) {
    // parseArgs adds advice after its first sentence; one line says enough.
    const [line = ''] = errorText(error).split(/\.\s|\n/);
    throw new DemoUsageError(`${line}; see --help`);
  }
}
