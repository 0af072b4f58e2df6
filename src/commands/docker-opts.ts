// `flanneld docker-opts`: what upstream's mk-docker-opts.sh writes, without a shell that would run what the env file holds.
// Reading and writing is here; what the options are is docker-options.ts.

import { readFileSync } from 'node:fs';
import { writeWhole } from './atomic-file.js';
import type { CommandArguments, CommandIo } from './command.js';
import { dockerOptions } from './docker-options.js';
import { CommandError, failed } from './errors.js';
import { routedVia } from './proc-route.js';

interface Options {
  readonly f: string;
  readonly d: string;
  readonly i: boolean;
  readonly c: boolean;
  readonly k: string;
  readonly m: boolean;
  readonly json: boolean;
}

/** Resolves to 0. Throws CommandError; also, after the file was written, when the subnet is routed to another host. */
export async function dockerOpts(args: CommandArguments, io: CommandIo): Promise<number> {
  const { f: source, d: target, i, c, k: key, m: withoutMasq, json } = args as unknown as Options;
  if (!/^[A-Za-z_]\w*$/.test(key))
    throw new CommandError('command-usage', `-k ${JSON.stringify(key)} is not the name of a variable`);
  const both = !i && !c;
  const { text, subnet } = dockerOptions(read(source), source, io.env, {
    individual: i || both,
    combined: c || both,
    key,
    withoutMasq,
  });
  const isPrinted = target === '-';
  if (!isPrinted) await writeWhole(target, text, 0o644);
  if (json) io.out(`${JSON.stringify({ ...(isPrinted ? {} : { file: target }), text })}\n`);
  else if (isPrinted) io.out(text);
  const routes = subnet === undefined ? [] : routedVia(subnet, readRoutes());
  if (routes.length === 0) return 0;
  throw new CommandError(
    'command-failed',
    `Your routing table already contains the subnet: ${routes.join(', ')}`,
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw failed(`cannot read ${path}; flanneld writes it when it is ready`, error);
  }
}

/** The kernel's table of IPv4 routes; a system without one has no such routes. */
function readRoutes(): string {
  try {
    return readFileSync('/proc/net/route', 'latin1');
  } catch {
    return '';
  }
}
