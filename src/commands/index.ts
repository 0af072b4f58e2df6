// THE table of commands, `flanneld <command> …`: one row a command, whose code is loaded when it runs. Reads the command line;
// what the commands do is in their own files. Anything that begins with a dash is the daemon's (src/flanneld/cli.ts).

import yargs from 'yargs';
import type { CommandArguments, CommandIo, CommandRow } from './command.js';
import { CommandError } from './errors.js';
import { separateOptions } from './getopt.js';

const text = (describe: string, fallback?: string): object => ({
  type: 'string',
  requiresArg: true,
  describe,
  ...(fallback === undefined ? {} : { default: fallback }),
});
const flag = (describe: string): object => ({ type: 'boolean', default: false, describe });

export const COMMANDS: readonly CommandRow[] = [
  {
    name: 'cni install',
    describe: 'install the CNI plugin flannel, and a network config where there is none',
    options: (parser) =>
      parser.options({
        'bin-dir': text('where the runtime looks for plugins', '/opt/cni/bin'),
        'conf-dir': text('where it looks for network configs', '/etc/cni/net.d'),
        name: text('name of the network in a new config', 'cbr0'),
        network: text(
          'name of a network of flanneld for a new config; without it the one of /run/flannel/subnet.env',
        ),
        node: text('the node the plugin is to run with', process.execPath),
        standalone: flag('install the executable that has Node in it (npm run build:cni-sea)'),
        force: flag('also where bin-dir has a flannel of somebody else, which is kept beside it'),
      }),
    run: async (args, io) => (await import('./cni-install.js')).cniInstall(args, io),
  },
  {
    name: 'docker-opts',
    describe: 'write the options of dockerd for the subnet of this host, as mk-docker-opts.sh does',
    options: (parser) =>
      parser.options({
        f: text('path of the env file', '/run/flannel/subnet.env'),
        d: text('path of the file to write; - prints', '/run/docker_opts.env'),
        i: flag('write each option as a variable: DOCKER_OPT_MTU=…'),
        c: flag('write all options as one variable'),
        k: text('name of that variable', 'DOCKER_OPTS'),
        m: flag('leave --ip-masq out'),
      }),
    prepare: (words) => separateOptions(words, 'fdk', 'icmh'),
    run: async (args, io) => (await import('./docker-opts.js')).dockerOpts(args, io),
  },
];

/** The commands, one a line, for the daemon's help. */
export function commandsHelp(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length));
  const lines = COMMANDS.map(({ name, describe }) => `  flanneld ${name.padEnd(width)}  ${describe}`);
  return `Commands (flanneld <command> --help tells more):\n${lines.join('\n')}\n`;
}

/** Runs what argv asks for and resolves to the exit code: 2 for a wrong command line, 1 for a failure. Never rejects for those. */
export async function runCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  try {
    const { row, words } = rowOf(argv);
    if (words.some((word) => word === '--help' || word === '-h' || word === '-help')) {
      io.out(await helpOf(row));
      return 0;
    }
    return await row.run(parse(row, words), io);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    io.err(`flanneld: ${error.message}\n`);
    return error.exitCode;
  }
}

function rowOf(argv: readonly string[]): { row: CommandRow; words: readonly string[] } {
  for (const row of COMMANDS) {
    const name = row.name.split(' ');
    if (!name.every((word, index) => argv[index] === word)) continue;
    const words = argv.slice(name.length);
    return { row, words: row.prepare?.(words) ?? words };
  }
  const [first = ''] = argv;
  const longer = COMMANDS.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  const hint = longer.length === 0 ? 'see flanneld -help' : `there is ${longer.join(', ')}`;
  throw new CommandError('command-usage', `unknown command ${JSON.stringify(first.slice(0, 100))}; ${hint}`);
}

function parserOf(row: CommandRow): ReturnType<typeof yargs> {
  const parser = yargs([])
    .scriptName('flanneld')
    .usage(`flanneld ${row.name}: ${row.describe}`)
    .parserConfiguration({ 'camel-case-expansion': false, 'boolean-negation': false, 'parse-numbers': false })
    .exitProcess(false)
    .help(false)
    .version(false)
    .strict()
    .wrap(100)
    .fail((message: string) => {
      throw new CommandError('command-usage', `${message}; see flanneld ${row.name} --help`);
    });
  return row.options(parser);
}

async function helpOf(row: CommandRow): Promise<string> {
  return `${await parserOf(row).getHelp()}\n`;
}

function parse(row: CommandRow, words: readonly string[]): CommandArguments {
  const args = parserOf(row).parseSync([...words]) as CommandArguments;
  const repeated = Object.entries(args).find(([name, value]) => name !== '_' && Array.isArray(value));
  if (repeated !== undefined)
    throw new CommandError(
      'command-usage',
      `${repeated[0]} was given twice; see flanneld ${row.name} --help`,
    );
  const [stray] = args['_'] as readonly unknown[];
  if (stray === undefined) return args;
  throw new CommandError(
    'command-usage',
    `unexpected argument ${JSON.stringify(stray)}; see flanneld ${row.name} --help`,
  );
}
