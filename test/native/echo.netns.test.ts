// The echo socket in C under the sanitizers; the checks are in native/test/echo_*_test.c. The one with a socket needs a
// network namespace, the other one nothing.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import test from 'ava';
import { CPrograms, runProgram, sourcesOf } from '../helpers/c-program.js';
import { hasRoot } from '../helpers/netns.js';

const SHARED = async (): Promise<string[]> => [
  ...(await sourcesOf('src/icmp')),
  'src/in_namespace.c',
  'src/packet/checksum.c',
];

async function built(name: string, sanitizer: 'address,undefined' | 'thread'): Promise<[CPrograms, string]> {
  const programs = await CPrograms.with(sanitizer, await SHARED());
  return [programs, await programs.build(name, [`test/${name}.c`])];
}

test('echo packets are written and read as they are on the wire, and any bytes do no harm', async (t) => {
  t.timeout(120_000);
  const [programs, program] = await built('echo_packet_test', 'address,undefined');
  t.teardown(() => programs.remove());
  t.regex(await runProgram(program), /^seed \d+\n$/);
});

for (const sanitizer of ['address,undefined', 'thread'] as const) {
  test(`the echo socket answers, is bounded and can be closed at any moment (${sanitizer})`, async (t) => {
    if (!hasRoot(t)) return;
    t.timeout(120_000);
    const [programs, program] = await built('echo_socket_test', sanitizer);
    t.teardown(() => programs.remove());
    const env = { ...process.env, TSAN_OPTIONS: 'halt_on_error=1' };
    const line = `ip link set lo up && exec ${program}`;
    const { stdout, stderr } = await promisify(execFile)('unshare', ['--net', 'sh', '-c', line], { env });
    t.is(stdout + stderr, '');
  });
}

/** A program with an open socket, in a network namespace of its own; resolves to what it prints when it has ended. */
async function inNamespace(body: string): Promise<string> {
  const module = new URL('../../src/native.js', import.meta.url).href;
  const program = `
    import { openEcho } from ${JSON.stringify(module)};
    const loopback = Uint8Array.of(127, 0, 0, 1), payload = new TextEncoder().encode('flP1');
    const send = (socket) => socket.send(loopback, new Uint8Array(4), 1, 0, payload);
    ${body}`;
  const line = 'ip link set lo up && exec "$0" --expose-gc --input-type=module -e "$1"';
  const args = ['--net', 'sh', '-c', line, process.execPath, program];
  const { stdout } = await promisify(execFile)('unshare', args, {
    timeout: 60_000,
  });
  return stdout;
}

const LIVES: Readonly<Record<string, string>> = {
  'closed inside a callback, it lets the process end, and nothing is heard any more': `
    let heard = 0;
    const socket = openEcho({ identifier: 1 }, () => { heard++; socket.close(); socket.close(); });
    for (let i = 0; i < 50; i++) send(socket);
    process.on('exit', () => console.log(heard === 1 ? 'fine' : heard));`,
  'after close a call is EBADF, and wrong arguments are a TypeError': `
    const socket = openEcho({ identifier: 1 }, () => undefined);
    const errors = [];
    const attempt = (call) => { try { call(); } catch (error) { errors.push(error.code ?? error.name); } };
    attempt(() => socket.send(loopback, loopback, 70000, 0, payload));
    attempt(() => socket.send(payload.subarray(1), loopback, 1, 0, payload));
    attempt(() => socket.send(loopback, loopback, 1, 0, new Uint8Array(65)));
    attempt(() => socket.send.call({}, loopback, loopback, 1, 0, payload));
    socket.close();
    attempt(() => send(socket));
    attempt(() => socket.dropped());
    console.log(String(errors) === 'TypeError,TypeError,TypeError,TypeError,EBADF,EBADF' ? 'fine' : String(errors));`,
  'the process exits in the midst of answers': `
    const socket = openEcho({ identifier: 1 }, () => { console.log('fine'); process.exit(); });
    for (let i = 0; i < 500; i++) send(socket);`,
  'sockets that nobody refers to any more are closed by the garbage collector': `
    for (let i = 0; i < 20; i++) { openEcho({ identifier: i }, () => undefined); }
    const { readdirSync } = await import('node:fs');
    const open = () => readdirSync('/proc/self/fd').length;
    const before = open();
    for (let i = 0; i < 50 && open() > before - 40; i++) { gc(); await new Promise((r) => setTimeout(r, 20)); }
    console.log(open() <= before - 40 ? 'fine' : before + ' ' + open());
    process.exit();`,
};

for (const [title, body] of Object.entries(LIVES)) {
  test(`from JavaScript: ${title}`, async (t) => {
    if (!hasRoot(t)) return;
    t.is(await inNamespace(body), 'fine\n');
  });
}
