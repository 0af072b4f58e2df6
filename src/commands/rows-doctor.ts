// The rows of the commands that look at the whole host: doctor, support-bundle.

import type { Argv } from 'yargs';
import type { CommandRow } from './command.js';
import { json, socket, text } from './options.js';
import { daemonOptions, ETCD_FLAGS, NETWORK_FLAGS } from './store-options.js';

const store = (parser: Argv): Argv => daemonOptions(parser, [...ETCD_FLAGS, ...NETWORK_FLAGS]);

export const DOCTOR_COMMANDS: readonly CommandRow[] = [
  {
    name: 'doctor',
    describe: 'look for what is wrong on this host, and say what mends it; also before the installation',
    options: (parser) => store(parser.options({ socket, json })),
    run: async (args, io) => (await import('./doctor.js')).doctor(args, io),
  },
  {
    name: 'support-bundle',
    describe: 'put everything that helps to find a fault into one file, without secrets',
    options: (parser) =>
      store(
        parser.options({
          o: {
            ...text('the file to write; unless given, flanneld-<host>-<time>.tar.gz here'),
            alias: 'output',
          },
          socket,
          json,
        }),
      ),
    run: async (args, io) => (await import('./support-bundle.js')).supportBundle(args, io),
  },
];
