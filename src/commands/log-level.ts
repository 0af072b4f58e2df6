// `flanneld log-level [LEVEL]`: how much a running daemon logs, told or set, until its next start.

import { put } from '../api/client.js';
import type { CommandArguments, CommandIo } from './command.js';
import { askEvery } from './daemons.js';
import { CommandError } from './errors.js';
import { EXIT } from './exit-codes.js';

/** As -v. */
const MOST = 10;

/** Resolves to 0, or to 3 when one of several daemons does not answer. Throws ApiError and CommandError. */
export async function logLevel(args: CommandArguments, io: CommandIo): Promise<number> {
  const level = levelIn(args['LEVEL'] as string | undefined);
  const { answers, incomplete } = await askEvery('/v1/log-level', args, io);
  const daemons: { readonly socket: string; readonly level: number }[] = [];
  for (const { socket, document } of answers)
    daemons.push({
      socket,
      ...(level === undefined ? document : await put(socket, '/v1/log-level', { level })),
    });
  if (args['json'] === true) io.out(`${JSON.stringify({ daemons }, undefined, 2)}\n`);
  else
    for (const { socket, level: now } of daemons)
      io.out(`${daemons.length > 1 ? `${socket}: ` : ''}${now}\n`);
  return incomplete ? EXIT.noDaemon : EXIT.fine;
}

function levelIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,2}$/.test(text) && Number(text) <= MOST) return Number(text);
  throw new CommandError('command-usage', `LEVEL is a number from 0 to ${MOST}, as -v has it`);
}
