// `flanneld trace SRC DST`: the way of a packet on this host, and where it would stop. How it is judged is trace-steps.ts.

import { parseIp, type Ip } from '../subnet/cidr.js';
import type { CommandArguments, CommandIo } from './command.js';
import { CommandError } from './errors.js';
import { withHost } from './open-kernel.js';
import { ETCD_FLAGS, NETWORK_FLAGS, readDaemonOptions } from './store-options.js';
import { lookOf, shaded, type Shade } from './table.js';
import { knownNetworks } from './trace-networks.js';
import { readTraceFacts } from './trace-read.js';
import type { StepState } from './trace-step.js';
import { traceSteps, type Trace } from './trace-steps.js';

const SHADES: Readonly<Record<StepState, Shade>> = { ok: 'good', warn: 'warn', stop: 'bad' };
const STOPS = 4;

/** Resolves to 0 when nothing stops the packet, to 4 when something does. Throws CommandError and ApiError. */
export async function trace(args: CommandArguments, io: CommandIo): Promise<number> {
  const [src, dst] = [addressIn(args, 'SRC'), addressIn(args, 'DST')];
  const names = ['subnet-dir', 'state-dir'] as const;
  const options = readDaemonOptions(args, io.env, [...ETCD_FLAGS, ...NETWORK_FLAGS, ...names]);
  const found = await withHost(io, async (host) => {
    const known = await knownNetworks(options, args['socket'] as string | undefined, io);
    const tell = (line: string): void => {
      io.err(`flanneld: ${line}\n`);
    };
    return traceSteps(src, dst, await readTraceFacts(host, known, [src, dst], tell));
  });
  io.out(args['json'] === true ? `${JSON.stringify(found, undefined, 2)}\n` : traceText(found, io));
  return found.arrives ? 0 : STOPS;
}

function addressIn(args: CommandArguments, name: string): Ip {
  const text = String(args[name]);
  const address = parseIp(text);
  if (address === undefined)
    throw new CommandError('command-usage', `${name} ${JSON.stringify(text.slice(0, 80))} is no IP address`);
  if (address.includes(':'))
    throw new CommandError('command-usage', `${name} ${address}: IPv6 is not supported yet`);
  return address;
}

/** Not a table: the reasons, with the commands that mend them, are longer than a cell. */
function traceText({ steps, arrives }: Trace, io: CommandIo): string {
  const look = lookOf(io);
  const width = Math.max(...steps.map(({ at }) => at.length));
  const lines = steps.flatMap(({ at, state, text, remedy }) => {
    const word = state === 'stop' ? 'STOP' : state;
    const line = `${shaded({ text: word, shade: SHADES[state] }, look)}${' '.repeat(6 - word.length)}${at.padEnd(width)}  ${shaded(text, look)}\n`;
    return remedy === undefined ? [line] : [line, `${' '.repeat(8 + width)}try: ${shaded(remedy, look)}\n`];
  });
  return `${lines.join('')}${arrives ? 'nothing that can be seen from here stops it' : 'it stops here'}\n`;
}
