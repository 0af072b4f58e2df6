// The env file in the life of a network, without a file system: src/flanneld/network-env.ts.

import test from 'ava';
import { Counters } from '../../src/counters.js';
import { readPrevious, removeEnv, writeEnv } from '../../src/flanneld/network-env.js';
import { cidr } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeEnvFiles } from '../fakes/fake-env-files.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

const FILE = '/run/flannel/subnet.env';
const SECOND = '/run/flannel/networks/blue.env';
const OPTIONS = { subnetFiles: [SECOND, FILE] as const };
const CONTENTS = {
  networks: { 4: cidr('10.5.0.0/16') },
  subnets: { 4: cidr('10.5.9.0/24') },
  mtu: 1450,
  ipMasq: true,
};
const TEXT =
  'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.9.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n';

const world = (): {
  envFiles: FakeEnvFiles;
  clock: FakeClock;
  logger: RecordingLogger;
  counters: Counters;
} => ({
  envFiles: new FakeEnvFiles(),
  clock: new FakeClock(),
  logger: new RecordingLogger(),
  counters: new Counters(),
});

test('a write that fails is told and tried again until it succeeds', async (t) => {
  const parts = world();
  parts.envFiles.failNext('ENOSPC', 3);
  const written = writeEnv(parts, OPTIONS, CONTENTS, new AbortController().signal);
  await parts.clock.advance(15_000);
  await written;
  t.is(parts.envFiles.text(FILE), TEXT);
  t.is(parts.envFiles.text(SECOND), TEXT, 'every file of the network says the same');
  t.deepEqual(parts.envFiles.aliases, [FILE], 'the default file alone has another name beside it');
  t.is(parts.counters.get('waitRetries'), 3);
  t.is(parts.clock.pending, 0);
});

test('a file that cannot be read is told, and the network goes on without it', async (t) => {
  const parts = world();
  parts.envFiles.failNext('EACCES');
  t.is(await readPrevious(parts, OPTIONS), undefined);
  t.regex(parts.logger.lines[0]!.message, /cannot be read, going on without it/);
});

test('a network that is left takes its files along; one that cannot be removed is told', async (t) => {
  const parts = world();
  await writeEnv(parts, OPTIONS, CONTENTS, new AbortController().signal);
  parts.envFiles.failNext('EROFS');
  await removeEnv(parts, OPTIONS);
  t.is(parts.envFiles.text(SECOND), TEXT);
  t.is(parts.envFiles.text(FILE), undefined);
  t.like(parts.logger.lines.at(-1), { level: 'error', fields: { file: SECOND } });
});
