// The C parts under the address and undefined-behaviour sanitizers; the checks are in native/test/.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { packageRoot } from '../helpers/package-root.js';

const run = promisify(execFile);

test('the netlink socket and sd_notify pass their C test under the sanitizers', async (t) => {
  t.timeout(60_000);
  const folder = await mkdtemp(join(tmpdir(), 'native-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const native = join(packageRoot(), 'native');
  const program = join(folder, 'netlink_socket_test');
  const sources = [
    'test/netlink_socket_test.c',
    'src/netlink/netlink_socket.c',
    'src/netlink/netlink_open.c',
    'src/in_namespace.c',
    'src/sd_notify.c',
  ];
  const flags =
    '-std=gnu11 -g -O1 -Wall -Wextra -Werror -fsanitize=address,undefined -fno-sanitize-recover -pthread';
  await run('cc', [...flags.split(' '), '-o', program, ...sources.map((file) => join(native, file))]);
  const { stdout, stderr } = await run(program);
  t.is(stdout + stderr, '');
});
