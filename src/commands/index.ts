// THE table of commands, `flanneld <command> …`: one row a command, whose code is loaded when it runs; sorted by name.
// What the commands do is in their own files. Anything that begins with a dash is the daemon's (src/flanneld/cli.ts).

import type { CommandIo, CommandRow } from './command.js';
import { separateOptions } from './getopt.js';
import { flag, json, text } from './options.js';
import { DAEMON_COMMANDS } from './rows-daemon.js';
import { DOCTOR_COMMANDS } from './rows-doctor.js';
import { STORE_COMMANDS } from './rows-store.js';
import { helpOf, runOf } from './run.js';

export const COMMANDS: readonly CommandRow[] = sorted([
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
        json,
      }),
    run: async (args, io) => (await import('./cni-install.js')).cniInstall(args, io),
  },
  {
    name: 'completion',
    describe: 'print the completion of a shell: source <(flanneld completion bash)',
    positionals: [{ name: 'SHELL', describe: 'bash' }],
    options: (parser) => parser.options({ json }),
    run: async (args, io) => (await import('./completion.js')).completion(COMMANDS, args, io),
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
        json,
      }),
    prepare: (words) => separateOptions(words, 'fdk', 'icmh'),
    run: async (args, io) => (await import('./docker-opts.js')).dockerOpts(args, io),
  },
  ...DAEMON_COMMANDS,
  ...DOCTOR_COMMANDS,
  ...STORE_COMMANDS,
]);

/** The commands, one a line, for the daemon's help. */
export function commandsHelp(): string {
  return helpOf(COMMANDS);
}

/** Runs what argv asks for and resolves to the exit code (docs/cli.md). Rejects for our own faults only. */
export function runCommand(argv: readonly string[], io: CommandIo): Promise<number> {
  return runOf(COMMANDS, argv, io);
}

function sorted(rows: readonly CommandRow[]): readonly CommandRow[] {
  return [...rows].sort((a, b) => (a.name < b.name ? -1 : 1));
}
