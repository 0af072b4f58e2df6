// The daemon's flags that commands take as well: where etcd is, and which networks there are. Declared from the daemon's
// table and read by the daemon's reader, so that a command means by them what the daemon does. Pure.

import { parseCommandLine } from '../flanneld/cli.js';
import { UsageError } from '../flanneld/errors.js';
import { environmentName, FLAGS, type FlagName, type FlagRow, type Options } from '../flanneld/flags.js';
import type { CommandArguments, CommandRow } from './command.js';
import { CommandError } from './errors.js';

/** Where etcd is, and how it is spoken to. */
export const ETCD_FLAGS = [
  'etcd-endpoints',
  'etcd-cafile',
  'etcd-certfile',
  'etcd-keyfile',
  'etcd-username',
  'etcd-password',
] as const;
/** Which networks there are. */
export const NETWORK_FLAGS = ['etcd-prefix', 'networks-prefix'] as const;

/** What a command says otherwise than the daemon: it takes one prefix. */
const DESCRIBED: Partial<Readonly<Record<FlagName, string>>> = {
  'etcd-prefix':
    'etcd prefix of a network, or name=prefix (default /coreos.com/network, unless --networks-prefix is given)',
};

/** What a command declares its options on. */
export type OptionParser = Parameters<CommandRow['options']>[0];

/** Declares flags of the daemon as options of a command. */
export function daemonOptions(parser: OptionParser, names: readonly FlagName[]): OptionParser {
  return names.reduce((declared, name) => {
    const row: FlagRow = FLAGS[name];
    const isFlag = row.type === 'boolean';
    return declared.option(name, {
      type: isFlag ? 'boolean' : 'string',
      ...(isFlag ? {} : { requiresArg: true }),
      describe: `${DESCRIBED[name] ?? row.help} (or ${environmentName(name)})`,
    });
  }, parser);
}

/**
 * The daemon's options as the command line and FLANNELD_* say them; those that the command does not have, from the
 * environment alone. Throws CommandError `command-usage`.
 */
export function readDaemonOptions(
  args: CommandArguments,
  environment: Readonly<Record<string, string | undefined>>,
  names: readonly FlagName[],
): Options {
  const words = names.flatMap((name) => {
    const value = args[name] as string | boolean | undefined;
    return value === undefined ? [] : [`-${name}=${String(value)}`];
  });
  return asUsage(() => {
    const invocation = parseCommandLine(words, environment);
    if (invocation.action !== 'run') throw new UsageError('the options ask for something else');
    return invocation.options;
  });
}

/** What a daemon says of its command line, said of the command's: with two dashes. Throws CommandError. */
export function asUsage<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const message = error.message.replace(/(^|[\s(])-(?=[a-z]+-[a-z])/g, '$1--');
    throw new CommandError('command-usage', message);
  }
}
