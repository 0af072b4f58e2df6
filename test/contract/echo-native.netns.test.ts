// The echo socket over C keeps the contract, between two network namespaces; and what the kernel does not give is said.

import test from 'ava';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { NativeEchoSocket } from '../../src/probe/native-echo.js';
import { ip } from '../../src/subnet/cidr.js';
import { until } from '../../src/lab/until.js';
import { hasRoot, Netns } from '../helpers/netns.js';
import { ECHO_CASES, type EchoWorld } from './echo.js';

async function openWorld(): Promise<EchoWorld> {
  const [here, there] = [await Netns.create(), await Netns.create()];
  const ours = [ip('192.0.2.1'), ip('10.5.1.0')] as const;
  const theirs = ip('192.0.2.2');
  await here.sh('ip link add eth0 type veth peer name far');
  await here.sh(`ip link set far netns ${there.path.split('/')[2] ?? ''}`);
  await here.sh('ip address add 192.0.2.1/24 dev eth0');
  await here.sh('ip address add 10.5.1.0/32 dev eth0');
  await there.sh('ip address add 192.0.2.2/24 dev far');
  await here.sh('ip link set eth0 up');
  await there.sh('ip link set far up');
  await there.sh('ip route add 10.5.1.0/24 dev far');
  const sockets = [
    NativeEchoSocket.open({ identifier: 1, netns: here.path }),
    NativeEchoSocket.open({ identifier: 2, netns: there.path }),
  ] as const;
  return {
    here: sockets[0],
    there: sockets[1],
    ...{ ours, theirs },
    until: async (what, condition) => {
      await until(condition, { what });
    },
    close: async () => {
      for (const socket of sockets) socket.close();
      await here.close();
      await there.close();
    },
  };
}

for (const [title, run] of Object.entries(ECHO_CASES)) {
  test.serial(title, async (t) => {
    if (!hasRoot(t)) return;
    const world = await openWorld();
    t.teardown(() => world.close());
    await run(t, world);
  });
}

test.serial('without CAP_NET_RAW the error says what is missing', async (t) => {
  if (!hasRoot(t)) return;
  const module = new URL('../../src/probe/native-echo.js', import.meta.url).href;
  const program = `
    import { NativeEchoSocket } from ${JSON.stringify(module)};
    try { NativeEchoSocket.open({ identifier: 1 }); } catch ({ code, message }) { console.log(code + ' ' + message); }`;
  const args = [
    '--bounding-set=-net_raw',
    '--inh-caps=-net_raw',
    process.execPath,
    '--input-type=module',
    '-e',
    program,
  ];
  const { stdout } = await promisify(execFile)('setpriv', args);
  t.is(stdout, 'EPERM cannot open a raw ICMP socket: EPERM; it needs CAP_NET_RAW\n');
});
