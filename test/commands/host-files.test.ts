// What flanneld has left in files, told from what only looks so.

import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { envFacts, leftoverFacts, stateFacts, statusFacts } from '../../src/commands/host-files.js';
import { renderNetworkStatus } from '../../src/network-status.js';
import { tempFolder } from '../helpers/temp-folder.js';

const ENV =
  'FLANNEL_NETWORK=10.20.0.0/16\nFLANNEL_SUBNET=10.20.1.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n';

function status(network: string, subnetFiles: readonly string[]): string {
  return renderNetworkStatus({
    ...{ network, prefix: `/n/${network}`, subnetFiles, pid: 2 ** 22 + 1, state: 'ready', reason: '' },
    since: '2026-01-01T00:00:00.000Z',
  });
}

test('a status file that names anything else than an env file has no say over that', async (t) => {
  const folder = await tempFolder(t);
  const precious = join(folder, 'passwd');
  await writeFile(precious, 'root:x:0:0:root:/root:/bin/bash\n');
  await writeFile(join(folder, 'blue.env'), ENV);
  await writeFile(
    join(folder, 'blue.status.json'),
    status('blue', [join(folder, 'blue.env'), precious, folder]),
  );
  await writeFile(join(folder, 'red.status.json'), status('blue', []));
  await writeFile(join(folder, 'green.status.json'), '{"version":1}');
  await symlink(precious, join(folder, 'white.status.json'));
  const statuses = await statusFacts(folder);
  t.deepEqual(
    statuses.map(({ network, liveness }) => [network, liveness]),
    [['blue', 'gone']],
  );
  const unseen: string[] = [];
  const envs = await envFacts(folder, join(folder, 'none.env'), statuses, (text) => unseen.push(text));
  t.deepEqual(
    envs.map(({ network, ranges }) => [network, ranges]),
    [['blue', ['10.20.0.0/16']]],
  );
  t.regex(unseen.join(), /EISDIR/);
});

test('a state folder is known by its files, and what else lies in it is told', async (t) => {
  const folder = await tempFolder(t);
  for (const name of ['blue', 'photos', 'empty']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'node-id'), 'n1\n');
  await writeFile(join(folder, 'blue', 'lock'), '7\n');
  await writeFile(join(folder, 'blue', 'snapshot.json'), 'rubbish');
  await writeFile(join(folder, 'blue', 'notes.txt'), 'mine');
  await writeFile(join(folder, 'photos', 'a.jpg'), '');
  const locked: string[] = [];
  const states = await stateFacts(folder, (path) => {
    locked.push(path);
    return Promise.resolve('process 7');
  });
  t.deepEqual(locked, [join(folder, 'blue')]);
  t.deepEqual(
    states.map(({ network, lockedBy, others, ranges }) => [network, lockedBy, others, ranges]),
    [['blue', 'process 7', ['notes.txt'], []]],
  );
});

test('temporary files are the daemon’s by their whole name', async (t) => {
  const folder = await tempFolder(t);
  const names = [
    '.blue.env.123.tmp',
    '.blue.status.json.7.tmp',
    'blue.env',
    '.blue.env.tmp',
    '.bashrc',
    'x.env.1.tmp',
  ];
  for (const name of names) await writeFile(join(folder, name), '');
  t.deepEqual(await leftoverFacts([folder, folder]), [
    join(folder, '.blue.env.123.tmp'),
    join(folder, '.blue.status.json.7.tmp'),
  ]);
});
