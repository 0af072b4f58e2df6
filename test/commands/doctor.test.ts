// `flanneld doctor` against daemons that are not as they should be: it always ends with a report, and says which they are.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { FindingStatus } from '../../src/doctor/check.js';
import type { CheckedFinding, DoctorReport } from '../../src/doctor/report.js';
import { packageRoot } from '../helpers/package-root.js';
import { tempFolder } from '../helpers/temp-folder.js';

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function doctor(
  args: readonly string[],
  identity: { readonly uid?: number; readonly gid?: number } = {},
): Promise<Ended> {
  const words = [
    join(packageRoot(), 'bin/flanneld'),
    'doctor',
    '--etcd-endpoints=http://127.0.0.1:1',
    ...args,
  ];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { timeout: 60_000, ...identity }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err });
    });
  });
}

async function findings(
  args: readonly string[],
  identity?: { uid: number; gid: number },
): Promise<readonly CheckedFinding[]> {
  const { out, err } = await doctor(['--json', ...args], identity);
  try {
    return (JSON.parse(out) as DoctorReport).findings;
  } catch {
    throw new Error(`no report: ${out}${err}`);
  }
}

/** A socket that answers each connection with this text, or with nothing at all. */
async function socketThat(t: ExecutionContext, answer: string | undefined): Promise<string> {
  const path = join(await tempFolder(t), 'flanneld.sock');
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (answer !== undefined) socket.end(answer);
    t.teardown(() => socket.destroy());
  });
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
  });
  return path;
}

function json(status: number, body: object): string {
  const text = JSON.stringify(body);
  return `HTTP/1.1 ${status} OK\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`;
}

const CASES: readonly {
  readonly title: string;
  readonly answer: string | undefined;
  readonly status: FindingStatus;
  readonly seen: RegExp;
}[] = [
  {
    title: 'no flanneld',
    answer: 'SSH-2.0-OpenSSH_9.2\r\n',
    status: 'warn',
    seen: /does not speak HTTP|what listens there/,
  },
  {
    title: 'an older daemon',
    answer: json(404, { error: { code: 'no-such-route', message: 'no' } }),
    status: 'warn',
    seen: /older/,
  },
  {
    title: 'a newer daemon',
    answer: json(200, { apiVersion: 9, version: '9.0.0' }),
    status: 'warn',
    seen: /newer/,
  },
  {
    title: 'half a document',
    answer: json(200, { apiVersion: 1, version: '0.1.0' }),
    status: 'warn',
    seen: /no document of flanneld/,
  },
  { title: 'somebody who hangs up', answer: '', status: 'warn', seen: /hangs up/ },
  { title: 'a daemon that never answers', answer: undefined, status: 'skip', seen: /no answer within 3 s/ },
];
for (const { title, answer, status, seen } of CASES) {
  test(`the doctor meets ${title}`, async (t) => {
    const path = await socketThat(t, answer);
    const found = await findings([`--socket=${path}`]);
    const daemon = found.find(({ check }) => check === 'daemon');
    t.is(daemon?.status, status);
    t.regex(daemon?.seen ?? '', seen);
    t.true(
      found.some(({ check }) => check === 'forwarding'),
      'the host is looked at all the same',
    );
  });
}

test('the doctor meets nobody at the socket it was told', async (t) => {
  const found = await findings([`--socket=${await tempFolder(t)}/none.sock`]);
  t.regex(found.find(({ check }) => check === 'daemon')?.seen ?? '', /no daemon/);
  t.is(found.find(({ check }) => check === 'health')?.status, 'skip');
});

test('the doctor of a user that may not ask says so, and skips what only root sees', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('not run: it needs root');
    t.pass();
    return;
  }
  const path = await socketThat(t, json(200, {}));
  await chmod(join(path, '..'), 0o755);
  await chmod(path, 0o600);
  const found = await findings([`--socket=${path}`], { uid: 65_534, gid: 65_534 });
  const of = (id: string): CheckedFinding | undefined => found.find(({ check }) => check === id);
  t.is(of('daemon')?.status, 'skip');
  t.regex(of('daemon')?.seen ?? '', /may not be asked: .*not for this user/);
  t.is(of('capabilities')?.status, 'skip');
  t.is(of('health')?.seen, 'the daemon cannot be asked');
});

test('an option that names no etcd skips the checks of etcd, and is no reason to end', async (t) => {
  const found = await findings(['--etcd-username=root']);
  const etcd = found.find(({ check }) => check === 'etcd');
  t.is(etcd?.status, 'skip');
  t.regex(etcd?.seen ?? '', /FLANNELD_ETCD_PASSWORD|belong together/);
});

test('a check that fails ends with 4; a wrong option with 2', async (t) => {
  t.is((await doctor([])).code, 4);
  t.is((await doctor(['--nonsense'])).code, 2);
});
