// SIGHUP to a real daemon with real certificate files: they are read again at once, and nothing ends it, ever. It waits
// for a config all the while, so it leaves the machine alone.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { until } from '../../src/lab/until.js';
import { makeCertificates } from '../helpers/etcd-tls.js';
import { etcdFor, hasEtcd } from '../helpers/etcd.js';

const BIN = resolve(import.meta.dirname, '../../../bin/flanneld');
const BEGINS = 'reading the certificate files again, as SIGHUP asks for';
const ENDS = 'the certificate files have been read again';

class Daemon {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];

  constructor(t: ExecutionContext, args: readonly string[]) {
    this.child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.child.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => this.#lines.push(...text.split('\n')));
    t.teardown(async () => {
      if (!this.lives) return;
      this.child.kill('SIGKILL');
      await once(this.child, 'exit');
    });
  }

  get lives(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** The messages of its log so far. */
  get said(): string[] {
    return this.#lines.flatMap((line) => /"msg":"([^"]*)"/.exec(line)?.[1] ?? []);
  }

  async says(message: string, times = 1): Promise<void> {
    await until(() => this.said.filter((one) => one === message).length >= times, {
      what: `the daemon to say: ${message}`,
      timeoutMs: 20_000,
      state: () => this.said,
    });
  }

  async end(): Promise<number | null> {
    this.child.kill('SIGTERM');
    if (this.lives) await once(this.child, 'exit');
    return this.child.exitCode;
  }
}

/** Its own folder for everything it writes. */
function daemonArgs(folder: string, endpoint: string): string[] {
  return [
    `-etcd-endpoints=${endpoint}`,
    `-state-dir=${join(folder, 'state')}`,
    `-subnet-file=${join(folder, 'subnet.env')}`,
    `-subnet-dir=${join(folder, 'networks')}`,
    `-socket=${join(folder, 'flanneld.sock')}`,
  ];
}

test('changed certificates are used at once, broken ones do no harm, and a storm ends nothing', async (t) => {
  if (!hasEtcd(t)) return;
  const files = makeCertificates(t);
  const etcd = await etcdFor(t, {
    tls: { certFile: files.serverCert, keyFile: files.serverKey, clientCaFile: files.ca },
  });
  const [cert, key] = [join(files.directory, 'live.pem'), join(files.directory, 'live.key')];
  copyFileSync(files.clientCert, cert);
  copyFileSync(files.clientKey, key);
  const daemon = new Daemon(t, [
    ...daemonArgs(files.directory, etcd.endpoint),
    ...[`-etcd-cafile=${files.ca}`, `-etcd-certfile=${cert}`, `-etcd-keyfile=${key}`],
  ]);
  await daemon.says('waiting, and trying again');

  copyFileSync(files.renewedCert, cert);
  copyFileSync(files.renewedKey, key);
  daemon.child.kill('SIGHUP');
  await daemon.says(ENDS);
  const { said } = daemon;
  const within = said.slice(said.indexOf(BEGINS), said.indexOf(ENDS));
  t.true(
    within.includes('the certificate files have changed, and etcd is connected with the new ones'),
    String(said),
  );

  writeFileSync(key, 'no key');
  for (let count = 0; count < 200; count++) daemon.child.kill('SIGHUP');
  await daemon.says(ENDS, 2);
  t.true(
    daemon.said.includes(
      'the certificate files cannot be used as they are; the connection with the former ones stays',
    ),
  );
  copyFileSync(files.renewedKey, key);
  await delay(100);
  t.true(daemon.lives);
  t.true(daemon.said.filter((message) => message === BEGINS).length < 50, 'a storm is few reloads');
  t.is(await daemon.end(), 0);
});

test('a SIGHUP at any moment from the first on does not end a daemon that starts', async (t) => {
  const folder = makeCertificates(t).directory;
  // Nobody listens there: it waits.
  const daemon = new Daemon(t, daemonArgs(folder, 'http://127.0.0.1:1'));
  const pid = String(daemon.child.pid);
  await until(() => catchesHangup(pid), { what: 'the daemon to heed SIGHUP', intervalMs: 1 });
  t.deepEqual(daemon.said, [], 'before it has done anything');
  while (!daemon.said.includes('waiting, and trying again')) {
    daemon.child.kill('SIGHUP');
    if (!daemon.lives) break;
    await delay(2);
  }
  t.true(daemon.lives);
  t.is(await daemon.end(), 0);
});

/** Whether signal 1 is in the mask of those that the process catches (proc(5)). */
function catchesHangup(pid: string): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & 1n) === 1n;
}
