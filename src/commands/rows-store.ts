// The rows of the commands that work on etcd and the kernel without a daemon: leases, networks, cleanup, trace.

import type { CommandRow } from './command.js';
import { flag, json, network, socket, text, yes } from './options.js';
import { daemonOptions, ETCD_FLAGS, NETWORK_FLAGS, type OptionParser } from './store-options.js';

const store = (parser: OptionParser): OptionParser =>
  daemonOptions(parser, [...ETCD_FLAGS, ...NETWORK_FLAGS]);
const SUBNET = { name: 'SUBNET', describe: 'as 10.5.9.0/24, or an address in a subnet that has a lease' };
const NAME = { name: 'NAME', describe: 'the network; of etcd’s with --networks-prefix' };
const FILE = { name: 'FILE', describe: 'a network config in JSON; - reads standard input' };

const LEASES: readonly CommandRow[] = [
  {
    name: 'leases list',
    describe: 'who has which subnet, by etcd itself',
    options: (parser) => store(parser.options({ network, json })),
    run: async (args, io) => (await import('./leases-list.js')).leasesList(args, io),
  },
  {
    name: 'leases release',
    describe: 'turn a reservation back into a lease, or give a subnet free that nobody uses',
    positionals: [SUBNET],
    options: (parser) => store(parser.options({ network, yes, json })),
    run: async (args, io) => (await import('./leases-change.js')).leasesRelease(args, io),
  },
  {
    name: 'leases reserve',
    describe: 'keep a subnet for its holder, for a node, or for nobody',
    positionals: [SUBNET],
    options: (parser) =>
      store(
        parser.options({
          'node-id': text('the node, as `leases list` shows it'),
          'public-ip': text('the node that announces this address, also one of upstream’s'),
          ...{ network, yes, json },
        }),
      ),
    run: async (args, io) => (await import('./leases-change.js')).leasesReserve(args, io),
  },
  {
    name: 'leases revoke',
    describe: 'take a subnet away from its node',
    positionals: [SUBNET],
    options: (parser) =>
      store(
        parser.options({ for: text('how long the node does not get it back', '24h'), network, yes, json }),
      ),
    run: async (args, io) => (await import('./leases-change.js')).leasesRevoke(args, io),
  },
];

/** Fields of a config as options; FILE has everything else. */
const CONFIG_OPTIONS = {
  file: text('a network config in JSON; - reads standard input'),
  'network-range': text('Network: 10.20.0.0/16'),
  'subnet-len': text('SubnetLen: 24'),
  backend: text('Backend.Type: vxlan (where it is not given), host-gw or udp'),
  vni: text('Backend.VNI: a number, or auto'),
  port: text('Backend.Port'),
};

const NETWORKS: readonly CommandRow[] = [
  {
    name: 'networks add',
    describe: 'write the config of a new network: hosts that follow its prefix join it',
    positionals: [NAME],
    options: (parser) => store(parser.options({ ...CONFIG_OPTIONS, yes, json })),
    run: async (args, io) => (await import('./networks-change.js')).networksAdd(args, io),
  },
  {
    name: 'networks list',
    describe: 'the networks in etcd: range, backend, leases',
    options: (parser) => store(parser.options({ json })),
    run: async (args, io) => (await import('./networks-list.js')).networksList(args, io),
  },
  {
    name: 'networks remove',
    describe: 'delete the config of a network: hosts that follow it leave it',
    positionals: [NAME],
    options: (parser) => store(parser.options({ yes, json })),
    run: async (args, io) => (await import('./networks-change.js')).networksRemove(args, io),
  },
  {
    name: 'networks set',
    describe: 'change the config of a network',
    positionals: [
      NAME,
      {
        name: 'KEY=VALUE',
        describe: 'as Backend.MTU=1400; without a value the field goes',
        optional: true,
        several: true,
      },
    ],
    options: (parser) =>
      store(
        parser.options({
          file: text('the whole config in JSON instead; - reads standard input'),
          force: flag('write also what hosts refuse as long as they run'),
          ...{ yes, json },
        }),
      ),
    run: async (args, io) => (await import('./networks-change.js')).networksSet(args, io),
  },
  {
    name: 'networks validate',
    describe: 'whether a file is a config that can be used; asks nobody',
    positionals: [FILE],
    options: (parser) => parser.options({ json }),
    run: async (args, io) => (await import('./networks-validate.js')).networksValidate(args, io),
  },
];

const HOST: readonly CommandRow[] = [
  {
    name: 'cleanup',
    describe: 'remove what flanneld has left on this host, and nothing else',
    options: (parser) =>
      store(
        daemonOptions(
          parser.options({
            network,
            'dry-run': flag('print what would be removed, and remove nothing'),
            'keep-state': flag('keep the state folders: the next start gets the same subnet'),
            release: flag('give the subnets back in etcd'),
            ...{ yes, json },
          }),
          ['subnet-file', 'subnet-dir', 'state-dir', 'node-id'],
        ),
      ),
    run: async (args, io) => (await import('./cleanup.js')).cleanup(args, io),
  },
  {
    name: 'trace',
    describe: 'which way a packet takes on this host, and where it would stop',
    positionals: [
      { name: 'SRC', describe: 'the sender: an address of a pod or of a host' },
      { name: 'DST', describe: 'the receiver' },
    ],
    options: (parser) => store(daemonOptions(parser.options({ socket, json }), ['subnet-dir', 'state-dir'])),
    run: async (args, io) => (await import('./trace.js')).trace(args, io),
  },
];

export const STORE_COMMANDS: readonly CommandRow[] = [...HOST, ...LEASES, ...NETWORKS];
