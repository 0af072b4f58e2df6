// The collectors, over a root folder that a test has filled, and over fakes.

import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { checksumErrors, readChecksums } from '../../src/doctor/facts-checksums.js';
import { readDaemons, type DaemonAccess } from '../../src/doctor/facts-daemons.js';
import { readFiles } from '../../src/doctor/facts-files.js';
import {
  readHost,
  readModules,
  readNeighbours,
  readPrivileges,
  readSettings,
} from '../../src/doctor/facts-host.js';
import { readManagers } from '../../src/doctor/facts-managers.js';
import { readSockets, readUpstream } from '../../src/doctor/facts-processes.js';
import { readStore, type StoreAccess } from '../../src/doctor/facts-store.js';
import { systemClock } from '../../src/clock.js';
import { cidr } from '../../src/subnet/cidr.js';
import { tempFolder } from '../helpers/temp-folder.js';
import { daemon, daemons, network, peer, PLACE } from './scene.js';

async function rootWith(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await tempFolder(t);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

const RELEASE = { 'proc/sys/kernel/osrelease': '6.1.0-9\n' };
const noTool = { run: () => Promise.reject(new Error('there are no tools')) };

test('modules: what runs, what lies on disk, what is neither', async (t) => {
  const root = await rootWith(t, {
    ...RELEASE,
    'proc/modules': 'vxlan 100 0 - Live 0x0\n',
    'proc/misc': '200 tun\n',
    'lib/modules/6.1.0-9/modules.dep':
      'kernel/net/bridge/br_netfilter.ko.xz: kernel/net/bridge/bridge.ko.xz\n',
  });
  t.deepEqual(await readModules(root), {
    vxlan: 'loaded',
    tun: 'loaded',
    br_netfilter: 'loadable',
    nf_tables: 'absent',
  });
  t.deepEqual(await readHost(root), { kernel: '6.1.0-9' });
});

test('modules: without a list of them nothing is known of what does not run', async (t) => {
  const root = await rootWith(t, { ...RELEASE, 'proc/kallsyms': '0000 t vxlan_init_module\n' });
  t.like(await readModules(root), { vxlan: 'loaded', tun: 'unknown' });
});

test('capabilities: of the daemon, and without one of ourselves', async (t) => {
  const root = await rootWith(t, {
    'proc/7/status': 'Name:\tnode\nCapEff:\t0000000000003000\n',
    'proc/self/status': 'Uid:\t7\t7\t7\t7\nCapEff:\t0000000000000000\n',
  });
  t.deepEqual((await readPrivileges([7], root)).processes, [
    { who: 'flanneld (pid 7)', effective: 0x3000n, byUser: false },
  ]);
  t.deepEqual((await readPrivileges([], root)).processes, [
    { who: 'this command', effective: 0n, byUser: true },
  ]);
  await t.throwsAsync(readPrivileges([8], root), { message: /proc\/8\/status/ });
});

test('settings: those that are there', async (t) => {
  const root = await rootWith(t, {
    'proc/sys/net/ipv4/ip_forward': '1\n',
    'proc/sys/net/ipv4/conf/flannel.1/rp_filter': '2\n',
  });
  t.deepEqual(
    [...(await readSettings([PLACE], root))],
    [
      ['net/ipv4/ip_forward', '1'],
      ['net/ipv4/conf/flannel.1/rp_filter', '2'],
    ],
  );
});

test('neighbours: entries once, refusals of all processors', async (t) => {
  const root = await rootWith(t, {
    'proc/net/stat/arp_cache':
      'entries  allocs table_fulls\n00000012 00000001 00000002\n00000012 00000000 00000001\n',
    'proc/sys/net/ipv4/neigh/default/gc_thresh3': '1024\n',
  });
  t.deepEqual(await readNeighbours(root), { limit: 1024, entries: 18, full: 3 });
});

test('sockets: the ports asked for, with who has them', async (t) => {
  const head =
    '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n';
  const line = (port: number, inode: number): string =>
    `  1: 00000000:${port.toString(16).toUpperCase()} 00000000:0000 07 00000000:00000000 00:00000000 00000000 0 0 ${inode} 2 0 0\n`;
  const root = await rootWith(t, {
    'proc/net/udp': head + line(8472, 11) + line(53, 12) + 'nonsense\n',
    'proc/net/udp6': head + line(8285, 13),
    'proc/5/comm': 'rival\n',
    'proc/5/fd/.keep': '',
  });
  await symlink('socket:[11]', join(root, 'proc/5/fd/3'));
  t.deepEqual((await readSockets(new Set([8472, 8285]), root)).udp, [
    { port: 8472, owner: { pid: 5, name: 'rival' } },
    { port: 8285 },
  ]);
  t.deepEqual(await readSockets(new Set([9]), root), { udp: [], hidden: false });
});

test('an upstream flanneld is known by its name', async (t) => {
  const root = await rootWith(t, { 'proc/5/comm': 'flanneld\n', 'proc/6/comm': 'bash\n' });
  t.deepEqual(await readUpstream(root), { pids: [5] });
});

test('managers: only files of those that run, the folder of the administrator first', async (t) => {
  const root = await rootWith(t, {
    'proc/5/comm': 'systemd-network\n',
    'proc/6/comm': 'NetworkManager\n',
    'usr/lib/systemd/network/50-x.network': '[Match]\nName=*\n',
    'etc/systemd/network/50-x.network': '[Match]\nName=flannel*\n[Link]\nUnmanaged=yes\n',
    'etc/systemd/networkd.conf.d/a.conf': '[Network]\nManageForeignRoutes=no\n',
    'usr/lib/NetworkManager/conf.d/a.conf': '[keyfile]\nunmanaged-devices=interface-name:flannel*\n',
  });
  const { networkManager, networkd } = await readManagers([PLACE], noTool, root);
  t.deepEqual(
    [...networkd.matches.values()],
    [{ file: join(root, 'etc/systemd/network/50-x.network'), unmanaged: true }],
  );
  t.true(networkd.keepsForeignRoutes);
  t.deepEqual([...networkManager.unmanaged.keys()], ['flannel.1']);
  const idle = await readManagers([PLACE], noTool, await rootWith(t, { 'proc/5/comm': 'bash\n' }));
  t.deepEqual([idle.networkd.running, idle.networkManager.running], [false, false]);
});

test('checksums: the column by its name', async (t) => {
  const text =
    'Udp: InDatagrams NoPorts InCsumErrors IgnoredMulti\nUdp: 10 2 7 0\nUdpLite: InCsumErrors\nUdpLite: 9\n';
  t.is(checksumErrors(text), 7);
  t.is(checksumErrors('Udp: InDatagrams\nUdp: 10\n'), 0);
  const root = await rootWith(t, { 'proc/net/snmp': text });
  const run = (): Promise<{ code: number; stdout: string; stderr: string }> =>
    Promise.resolve({ code: 0, stdout: 'Features:\n\ttx-checksum-ip-generic: off [fixed]\n', stderr: '' });
  const facts = await readChecksums([PLACE], { tool: { run }, clock: systemClock }, root);
  t.deepEqual(facts, { errors: 7, growth: 0, seconds: 1, offload: new Map([['flannel.1', false]]) });
});

test('files: env files as the daemon names them, and those of nobody', async (t) => {
  const root = await rootWith(t, {
    'networks/blue.env':
      'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.9.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
    'networks/red.env': 'FLANNEL_NETWORK=10.6.0.0/16\n',
    'state/blue/snapshot.json.bad': 'x',
    'state/blue/instance': 'x',
    'state/red/instance': 'x',
    'state/other/notes': 'x',
  });
  const blue = join(root, 'networks/blue.env');
  const seen = {
    ...daemon([network({ subnetFiles: [blue] })]),
    options: { 'subnet-dir': join(root, 'networks'), 'state-dir': join(root, 'state') },
  };
  const { env, stale } = await readFiles(daemons(seen));
  t.deepEqual(
    env.find(({ path }) => path === blue),
    {
      path: blue,
      network: 'blue',
      range: cidr('10.5.0.0/16'),
      subnet: cidr('10.5.9.0/24'),
      mtu: 1450,
      ipMasq: true,
    },
  );
  t.deepEqual(
    stale.map(({ path }) => path.slice(root.length)),
    ['/networks/red.env', '/state/blue/snapshot.json.bad', '/state/red'],
  );
});

test('daemons: one that refuses does not hide the others, and an older one is asked no less', async (t) => {
  const failing = (code: string) => (): Promise<never> =>
    Promise.reject(Object.assign(new Error(`it says ${code}`), { code }));
  const access: DaemonAccess = {
    sockets: () => Promise.resolve(['/a', '/b', '/c']),
    status: (socket) =>
      socket === '/a'
        ? Promise.resolve(daemon().status)
        : failing(socket === '/b' ? 'not-permitted' : 'no-answer')(),
    peers: (_, name) => Promise.resolve({ network: name, peers: [peer(2)] }),
    leases: failing('daemon-too-old'),
    options: failing('daemon-too-old'),
  };
  const { answering, refused } = await readDaemons(access);
  t.deepEqual(
    answering.map(({ socket, untold }) => [socket, untold]),
    [['/a', ['its options', 'its leases']]],
  );
  t.is(answering[0]?.networks.get('blue')?.peers.length, 1);
  t.deepEqual(refused, [
    { socket: '/b', reason: 'it says not-permitted', denied: true },
    { socket: '/c', reason: 'it says no-answer', denied: false },
  ]);
  t.deepEqual(await readDaemons({ ...access, sockets: failing('no-daemon') }), {
    answering: [],
    refused: [],
  });
});

const store: StoreAccess = {
  endpoints: ['http://a:1', 'http://b:1'],
  tls: false,
  status: (endpoint) =>
    endpoint === 'http://a:1'
      ? Promise.resolve({ version: '3.5.9', hasLeader: true })
      : Promise.reject(new Error('connection refused')),
  date: () => Promise.resolve(systemClock.now() + 60_000),
  read: () => Promise.resolve(),
  networks: () =>
    Promise.resolve([
      { name: 'blue', prefix: '/p', text: '{}' },
      { name: 'red', prefix: '/r', text: undefined },
    ]),
  leases: () => Promise.resolve([{ subnet: '10.5.2.0/24', publicIp: '1.1.1.1', nodeId: 'n' }]),
  readConfig: () => ({ usable: true, range: cidr('10.5.0.0/16'), backend: 'vxlan' }),
};

test('etcd: each member by itself, its clock, and the networks', async (t) => {
  const { members, read, networks } = await readStore(store, systemClock);
  const [one, two] = members;
  t.like(one, { endpoint: 'http://a:1', version: '3.5.9', hasLeader: true });
  t.is(one?.times.length, 4);
  t.true(Math.abs((one?.clockAheadMs ?? 0) - 60_500) < 1_000);
  t.like(two, { endpoint: 'http://b:1', error: 'connection refused' });
  t.is('times' in read && read.times.length, 5);
  t.deepEqual(
    networks.map(({ name, config, leases }) => [name, config.usable, leases.length]),
    [
      ['blue', true, 1],
      ['red', false, 0],
    ],
  );
});

test('etcd: without a majority nothing more is asked', async (t) => {
  const read = (): Promise<never> => Promise.reject(new Error('no leader'));
  const networks = (): Promise<never> => Promise.reject(new Error('it was asked'));
  const facts = await readStore({ ...store, read, networks }, systemClock);
  t.deepEqual([facts.read, facts.networks], [{ error: 'no leader' }, []]);
});
