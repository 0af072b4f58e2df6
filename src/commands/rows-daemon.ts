// The rows of the commands that ask a running daemon: log-level, peers, status, watch.

import type { CommandRow } from './command.js';
import { json, network, socket, text } from './options.js';

export const DAEMON_COMMANDS: readonly CommandRow[] = [
  {
    name: 'log-level',
    describe: 'how much a running daemon logs; with LEVEL, from now until it ends',
    positionals: [
      { name: 'LEVEL', describe: 'as -v: 0 tells what happens, 1 to 10 also why', optional: true },
    ],
    options: (parser) => parser.options({ socket, json }),
    run: async (args, io) => (await import('./log-level.js')).logLevel(args, io),
  },
  {
    name: 'peers',
    describe: 'every peer: subnet, address, backend data, way, reachable, round trip, loss, traffic',
    options: (parser) => parser.options({ network, socket, json }),
    run: async (args, io) => (await import('./peers.js')).peers(args, io),
  },
  {
    name: 'status',
    describe: 'the networks of this host: health, lease, store, backend, peers, kernel; 4 when not ready',
    options: (parser) => parser.options({ network, socket, json }),
    run: async (args, io) => (await import('./status.js')).status(args, io),
  },
  {
    name: 'watch',
    describe: 'what happens, line by line: leases, repairs, peers up and down, health',
    options: (parser) =>
      parser.options({
        since: text('begin after the event of this number; 0: with all that the daemon still knows'),
        ...{ network, socket, json },
      }),
    run: async (args, io) => (await import('./watch.js')).watch(args, io),
  },
];
