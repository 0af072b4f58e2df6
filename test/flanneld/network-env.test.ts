// The env file in the life of a network, without a file system: src/flanneld/network-env.ts.

import test from 'ava';
import { Counters } from '../../src/counters.js';
import { readPrevious, writeEnv } from '../../src/flanneld/network-env.js';
import { cidr } from '../../src/subnet/cidr.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { FakeEnvFiles } from '../fakes/fake-env-files.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

const OPTIONS = { subnetFile: '/run/flannel/subnet.env', alias: false, rules: { ipMasq: true } };

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
  const written = writeEnv(
    parts,
    OPTIONS,
    { ranges: { 4: cidr('10.5.0.0/16') }, backend: { mtu: 1450 } },
    { subnets: { 4: cidr('10.5.9.0/24') } },
    new AbortController().signal,
  );
  await parts.clock.advance(15_000);
  await written;
  t.is(
    parts.envFiles.text(OPTIONS.subnetFile),
    'FLANNEL_NETWORK=10.5.0.0/16\nFLANNEL_SUBNET=10.5.9.1/24\nFLANNEL_MTU=1450\nFLANNEL_IPMASQ=true\n',
  );
  t.is(parts.counters.get('waitRetries'), 3);
  t.is(parts.clock.pending, 0);
});

test('a file that cannot be read is told, and the network goes on without it', async (t) => {
  const parts = world();
  parts.envFiles.failNext('EACCES');
  t.is(await readPrevious(parts, OPTIONS), undefined);
  t.regex(parts.logger.lines[0]!.message, /cannot be read, going on without it/);
});
