// The daemons of this host as commands ask them: all that answer, one network or all; who does not answer is told.

import { askAll, type Answer } from '../api/client.js';
import type { DaemonDocument, NetworkDocument } from '../api/model.js';
import type { CommandArguments, CommandIo } from './command.js';
import { CommandError } from './errors.js';

export interface AskedDaemons {
  readonly daemons: readonly Answer<'/v1/status'>[];
  /** Whether one of several did not answer, which has been told. */
  readonly incomplete: boolean;
}

/** A network, and whose it is. */
export interface AskedNetwork {
  readonly socket: string;
  readonly daemon: DaemonDocument;
  readonly network: NetworkDocument;
}

/** The document at `path` of every daemon, by the option `--socket`; who does not answer is told. Throws ApiError. */
export async function askEvery<Path extends string>(
  path: Path,
  args: CommandArguments,
  io: CommandIo,
): Promise<{ readonly answers: readonly Answer<Path>[]; readonly incomplete: boolean }> {
  const failures: string[] = [];
  const answers = await askAll(args['socket'] as string | undefined, path, (line) => failures.push(line));
  for (const failure of failures) io.err(`flanneld: ${failure}\n`);
  return { answers, incomplete: failures.length > 0 };
}

/** By the options `--socket` and `--network`. Throws ApiError; CommandError for a network that no daemon has. */
export async function askDaemons(args: CommandArguments, io: CommandIo): Promise<AskedDaemons> {
  const { answers, incomplete } = await askEvery('/v1/status', args, io);
  const wanted = args['network'] as string | undefined;
  if (wanted === undefined) return { daemons: answers, incomplete };
  const daemons = answers
    .map(({ socket, document }) => ({
      socket,
      document: { ...document, networks: document.networks.filter(({ name }) => name === wanted) },
    }))
    .filter(({ document }) => document.networks.length > 0);
  if (daemons.length > 0) return { daemons, incomplete };
  const names = answers.flatMap(({ document }) => document.networks.map(({ name }) => name));
  const there = names.length === 0 ? 'there is none yet' : `there is ${names.join(', ')}`;
  throw new CommandError('command-failed', `no network ${JSON.stringify(wanted.slice(0, 100))}: ${there}`);
}

export function networksOf({ daemons }: AskedDaemons): readonly AskedNetwork[] {
  return daemons.flatMap(({ socket, document }) =>
    document.networks.map((network) => ({ socket, daemon: document, network })),
  );
}
