// The client on a real etcd: TLS, users, wrong endpoints, silent connections, and an end that leaves nothing behind.

import { execFile } from 'node:child_process';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';

import { EtcdClient, type EtcdOptions } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { EtcdError, type EtcdErrorCode } from '../../src/etcd/errors.js';
import { cidr, ip } from '../../src/subnet/cidr.js';
import { EtcdRegistry } from '../../src/subnet/etcd-registry.js';
import { ANYTHING, rejectsWith, WatchRecord } from '../contract/registry.js';
import { testParts } from '../helpers/etcd-log.js';
import { TcpProxy } from '../helpers/etcd-proxy.js';
import { makeCertificates } from '../helpers/etcd-tls.js';
import { eventually } from '../helpers/etcd-wait.js';
import { etcdctl, etcdFor, hasEtcd } from '../helpers/etcd.js';

const ATTRIBUTES = { publicIps: { 4: ip('1.2.3.4') }, backendType: 'host-gw', backendData: {} };
const SUBNET = { 4: cidr('10.1.5.0/24') };

function clientFor(
  t: ExecutionContext,
  endpoints: string,
  options: Partial<EtcdOptions> = {},
): { client: EtcdClient; registry: EtcdRegistry; parts: ReturnType<typeof testParts> } {
  const parts = testParts();
  const client = new EtcdClient(
    { endpoints: parseEndpoints(endpoints), callTimeoutMs: 2_000, ...options },
    parts,
  );
  const registry = new EtcdRegistry({ client, prefix: '/coreos.com/network', logger: parts.logger });
  t.teardown(() => {
    registry.close();
  });
  return { client, registry, parts };
}

async function failsWith(t: ExecutionContext, call: Promise<unknown>, code: EtcdErrorCode): Promise<string> {
  const error = await t.throwsAsync(call, { instanceOf: EtcdError });
  t.is(error.code, code, error.message);
  return error.message;
}

async function listenFor(t: ExecutionContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test.serial('TLS with a CA alone verifies the server by address and by name', async (t) => {
  if (!hasEtcd(t)) return;
  const certificates = makeCertificates(t);
  const { ca, otherCa, serverCert: certFile, serverKey: keyFile } = certificates;
  const etcd = await etcdFor(t, { tls: { certFile, keyFile } });
  const { port } = new URL(etcd.endpoint);
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  for (const endpoint of [`https://127.0.0.1:${port}`, `https://localhost:${port}`, `127.0.0.1:${port}`]) {
    const { client } = clientFor(t, endpoint, { tls: { caFile: ca } });
    t.is((await client.status()).hasLeader, true, endpoint);
  }
  const distrusted = clientFor(t, `https://127.0.0.1:${port}`, { tls: { caFile: otherCa } });
  t.regex(await failsWith(t, distrusted.client.status(), 'tls'), /certificate/);
  const system = clientFor(t, `https://127.0.0.1:${port}`);
  t.regex(await failsWith(t, system.client.status(), 'tls'), /certificate/);
  const proxied = await TcpProxy.start(etcd.endpoint, '127.0.0.2');
  t.teardown(() => proxied.stop());
  const misnamed = clientFor(t, proxied.endpoint.replace('http:', 'https:'), { tls: { caFile: ca } });
  t.regex(await failsWith(t, misnamed.client.status(), 'tls'), /127\.0\.0\.2/);
  const plain = clientFor(t, `http://127.0.0.1:${port}`, { tls: { caFile: ca } });
  t.regex(await failsWith(t, plain.client.status(), 'unreachable'), /use https:\/\/ then/);
  t.deepEqual(warnings, []);
});

test.serial('client certificates are sent, missing ones named, and renewed files read again', async (t) => {
  if (!hasEtcd(t)) return;
  const { ca, serverCert, serverKey, clientCert, clientKey, otherCa, directory } = makeCertificates(t);
  const etcd = await etcdFor(t, { tls: { certFile: serverCert, keyFile: serverKey, clientCaFile: ca } });
  const anonymous = clientFor(t, etcd.endpoint, { tls: { caFile: ca } });
  await failsWith(t, anonymous.client.kv.range({ key: 'a' }), 'tls');
  const [caFile, certFile, keyFile] = ['live-ca.pem', 'live.pem', 'live.key'].map((name) =>
    join(directory, name),
  );
  const files = { caFile: caFile!, certFile: certFile!, keyFile: keyFile! };
  const { client } = clientFor(t, etcd.endpoint, { tls: files });
  t.regex(
    await failsWith(t, client.kv.range({ key: 'a' }), 'tls'),
    /the (CA|client certificate|client key) file .* cannot be read/,
  );
  writeFileSync(files.certFile, 'rubbish');
  copyFileSync(clientKey, files.keyFile);
  copyFileSync(otherCa, files.caFile);
  t.regex(await failsWith(t, client.kv.range({ key: 'a' }), 'tls'), /live\.pem holds no PEM block/);
  copyFileSync(clientCert, files.certFile);
  t.regex(await failsWith(t, client.kv.range({ key: 'a' }), 'tls'), /certificate/);
  copyFileSync(ca, files.caFile);
  await t.notThrowsAsync(client.kv.range({ key: 'a' }), 'files put right are used without a restart');
  rmSync(files.keyFile);
  await t.notThrowsAsync(client.kv.range({ key: 'a' }), 'a connection that stands needs no files');
  const half = clientFor(t, etcd.endpoint, { tls: { caFile: ca, certFile: clientCert } });
  t.regex(await failsWith(t, half.client.status(), 'tls'), /certificate is given without its key/);
});

test.serial('user and password, a token that expires, and a permission that is missing', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t, { extraArguments: ['--auth-token-ttl', '1', '--bcrypt-cost', '4'] });
  const { endpoint } = etcd;
  const prefix = '/coreos.com/network';
  const early = clientFor(t, endpoint, { credentials: { username: 'flannel', password: 'pass-word-1' } });
  await t.notThrowsAsync(early.registry.list(), 'credentials do no harm while authentication is off');
  for (const words of [
    ['user', 'add', 'root:rootpw'],
    ['user', 'grant-role', 'root', 'root'],
    ['user', 'add', 'flannel:pass-word-1'],
    ['user', 'add', 'nobody:pass-word-2'],
    ['role', 'add', 'network'],
    ['role', 'grant-permission', 'network', '--prefix=true', 'readwrite', `${prefix}/`],
    ['user', 'grant-role', 'flannel', 'network'],
    ['auth', 'enable'],
  ]) {
    await etcdctl(endpoint, words);
  }
  const { revision } = await early.registry.list();
  const watch = new WatchRecord(early.registry, revision + 1n);
  await watch.until(t, ['connected']);
  await early.registry.create(SUBNET, ATTRIBUTES, 600, ANYTHING);
  await watch.until(t, ['connected', 'put 10.1.5.0-24 host-gw +0']);
  // etcd forgets the simple tokens it handed out when it restarts, as when they expire.
  await etcd.kill();
  await etcd.start();
  const [record] = (await early.registry.list()).records;
  t.is(await early.registry.keepAlive(record!), 600);
  await early.registry.remove(record!);
  await watch.until(t, [
    ...['connected', 'put 10.1.5.0-24 host-gw +0'],
    ...['disconnected', 'connected', 'delete 10.1.5.0-24 +1'],
  ]);
  const nobody = clientFor(t, endpoint, { credentials: { username: 'nobody', password: 'pass-word-2' } });
  const denied = await rejectsWith(t, nobody.registry.list(), 'denied');
  t.regex(
    denied.message,
    /etcdctl role grant-permission ROLE readwrite \/coreos\.com\/network\/ --prefix=true/,
  );
  const wrong = clientFor(t, endpoint, { credentials: { username: 'flannel', password: 'not-this' } });
  const refused = await rejectsWith(t, wrong.registry.list(), 'denied');
  t.regex(refused.message, /check the etcd user name and password/);
  const anonymous = clientFor(t, endpoint);
  await rejectsWith(t, anonymous.registry.list(), 'denied');
  const written = [early, nobody, wrong].flatMap(({ parts }) => parts.logger.lines).join('\n');
  t.notRegex(`${written}${refused.stack ?? ''}${denied.stack ?? ''}`, /pass-word|not-this/);
});

test.serial('what is not etcd is told apart from what is not there', async (t) => {
  const http = createHttpServer((_request, response) => response.end('hello'));
  const httpPort = await listenFor(t, http);
  const closing = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.destroy();
  });
  const closingPort = await listenFor(t, closing);
  const silent = createServer((socket) => socket.on('error', () => undefined).unref());
  const silentPort = await listenFor(t, silent);
  const call = (endpoint: string): Promise<unknown> =>
    clientFor(t, endpoint, { callTimeoutMs: 1_500 }).registry.list();
  const wrong = await rejectsWith(t, call(`http://127.0.0.1:${httpPort}`), 'protocol');
  t.regex(wrong.message, new RegExp(`127\\.0\\.0\\.1:${httpPort}: .*check the port`));
  const insecure = await rejectsWith(t, call(`https://127.0.0.1:${httpPort}`), 'protocol');
  t.regex(insecure.message, /TLS: wrong version number/);
  const closed = await rejectsWith(t, call(`http://127.0.0.1:${closingPort}`), 'unavailable');
  t.regex(closed.message, /closed as soon as it is made/);
  const mute = await rejectsWith(t, call(`http://127.0.0.1:${silentPort}`), 'unavailable');
  t.regex(mute.message, /no connection within 1\.5 s/);
});

test.serial('a write into a silent connection is carried out at most once', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const proxy = await TcpProxy.start(etcd.endpoint);
  t.teardown(() => proxy.stop());
  const { client } = clientFor(t, proxy.endpoint, { callTimeoutMs: 600 });
  const { revision } = await client.kv.range({ key: 'a' });
  proxy.hold();
  await failsWith(t, client.kv.put('a', 'first'), 'deadline');
  proxy.release();
  await client.kv.put('a', 'second');
  const after = await client.kv.range({ key: 'a' });
  t.true(after.revision <= revision + 2n, `${after.revision - revision} writes`);
});

test.serial(
  'a value near etcd’s limit is written and read, a larger one refused with the reason',
  async (t) => {
    if (!hasEtcd(t)) return;
    const etcd = await etcdFor(t);
    const { client } = clientFor(t, etcd.endpoint, { callTimeoutMs: 10_000 });
    const large = Buffer.alloc(1_400_000, 0x61);
    for (let index = 0; index < 8; index++) await client.kv.put(`/large/${index}`, large);
    const { keys } = await client.kv.range({ key: '/large/', rangeEnd: Buffer.from('/large0') });
    t.is(
      keys.reduce((sum, { value }) => sum + value.length, 0),
      8 * large.length,
    );
    await failsWith(t, client.kv.put('/large/x', Buffer.alloc(2_000_000)), 'too-large');
  },
);

test.serial('after close the process ends by itself, whatever was going on', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await etcdFor(t);
  const source = new URL('../../src/', import.meta.url).href;
  const program = `
    const [{ EtcdClient }, { parseEndpoints }, { systemClock }, { Counters }] = await Promise.all(
      ['etcd/client.js', 'etcd/endpoints.js', 'clock.js', 'counters.js'].map((name) => import('${source}' + name)));
    const logger = { debug() {}, info() {}, warn() {}, error() {}, child() { return logger; } };
    const parts = { clock: systemClock, random: Math.random, logger, counters: new Counters() };
    const open = (list) => new EtcdClient({ endpoints: parseEndpoints(list) }, parts);
    const handlers = (connected) => ({ events() {}, compacted() {}, disconnected() {}, connected });
    const live = open('${etcd.endpoint}');
    const dead = open('http://127.0.0.1:1');
    const failed = dead.kv.range({ key: 'a' }).catch((error) => error.code);
    dead.watch({ prefix: '/', startRevision: 0n }, handlers(() => undefined));
    await live.kv.put('a', 'b');
    await new Promise((resolve) => live.watch({ prefix: '/', startRevision: 0n }, handlers(resolve)));
    live.close();
    dead.close();
    console.log(await failed, process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length);
  `;
  const begun = performance.now();
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 10_000,
  });
  t.is(stdout.trim(), 'closed 0');
  t.true(performance.now() - begun < 3_000);
});

test.serial('etcd of the lab dies with the process that started it', async (t) => {
  if (!hasEtcd(t)) return;
  const lab = new URL('../../src/lab/etcd.js', import.meta.url).href;
  const program = `
    const { startEtcd } = await import('${lab}');
    const { pid } = await startEtcd();
    console.log(pid);
    process.kill(process.pid, 'SIGKILL');
  `;
  // Killed, it cannot remove its data: that lies where the test can.
  const directory = mkdtempSync(join(tmpdir(), 'flanneld-orphan-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const failure = await t.throwsAsync<Error & { stdout: string }>(
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 20_000,
      env: { ...process.env, TMPDIR: directory },
    }),
  );
  const pid = Number(failure.stdout);
  t.true(pid > 0, failure.message);
  const alive = (): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await eventually('etcd is gone', () => !alive(), 3_000);
});

test.serial('a missing etcd is an error that says what to install', async (t) => {
  const lab = new URL('../../src/lab/etcd.js', import.meta.url).href;
  const program = `
    const { startEtcd } = await import('${lab}');
    console.log(await startEtcd().catch((error) => error.code + ' ' + error.message));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    env: { PATH: '/nowhere' },
  });
  t.is(stdout.trim(), 'binary-missing the program etcd is not installed; try: apt-get install etcd-server');
});
