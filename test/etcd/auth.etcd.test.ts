// User and password on a real etcd: tokens that expire or are forgotten, and a password an operator changes.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';

import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { EtcdError } from '../../src/etcd/errors.js';
import type { LabEtcd } from '../../src/lab/etcd.js';
import { httpText } from '../../src/lab/http-text.js';
import { testParts } from '../helpers/etcd-log.js';
import { TcpProxy } from '../helpers/etcd-proxy.js';
import { eventually } from '../helpers/etcd-wait.js';
import { etcdctl, etcdFor, hasEtcd } from '../helpers/etcd.js';

const ROOT = ['--user', 'root:rootpw'];

/** An etcd that asks for user and password; `flannel` may use everything below `/net/`. */
async function guardedEtcd(t: ExecutionContext, ...extraArguments: string[]): Promise<LabEtcd> {
  const etcd = await etcdFor(t, { extraArguments: ['--bcrypt-cost', '4', ...extraArguments] });
  for (const words of [
    ['user', 'add', 'root:rootpw'],
    ['user', 'grant-role', 'root', 'root'],
    ['user', 'add', 'flannel:first-pw'],
    ['role', 'add', 'network'],
    ['role', 'grant-permission', 'network', '--prefix=true', 'readwrite', '/net/'],
    ['user', 'grant-role', 'flannel', 'network'],
    ['auth', 'enable'],
  ]) {
    await etcdctl(etcd.endpoint, words);
  }
  return etcd;
}

async function setPassword(etcd: LabEtcd, password: string): Promise<void> {
  await etcdctl(
    etcd.endpoint,
    [...ROOT, 'user', 'passwd', 'flannel', '--interactive=false'],
    `${password}\n`,
  );
}

/** Requests for a token that etcd has been sent since it started. */
async function passwordChecks(etcd: LabEtcd): Promise<number> {
  const text = await httpText(etcd.metricsUrl, { timeoutMs: 5_000 });
  return Number(/^grpc_server_started_total\{grpc_method="Authenticate".*\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

interface Scene {
  readonly client: EtcdClient;
  readonly parts: ReturnType<typeof testParts>;
  readonly lines: string[];
}

/** A client of `flannel`'s with a watch from now on, which notes what it is told. */
async function watching(t: ExecutionContext, endpoint: string): Promise<Scene> {
  const parts = testParts();
  const credentials = { username: 'flannel', password: 'first-pw' };
  const client = new EtcdClient({ endpoints: parseEndpoints(endpoint), credentials }, parts);
  t.teardown(() => {
    client.close();
  });
  const lines: string[] = [];
  client.watch(
    { prefix: '/net/', startRevision: 0n },
    {
      events: (events) => lines.push(...events.map(({ kv }) => Buffer.from(kv.value).toString())),
      compacted: () => lines.push('compacted'),
      disconnected: (reason) => lines.push(`disconnected: ${reason}`),
      connected: () => lines.push('connected'),
    },
  );
  await eventually('the watch', () => lines.length === 1);
  return { client, parts, lines };
}

test('a watch alone gets over an etcd that has forgotten its token, whatever etcd calls that', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await guardedEtcd(t);
  const { lines } = await watching(t, etcd.endpoint);
  for (let round = 1; round <= 3; round++) {
    await etcd.kill();
    await etcd.start();
    const took = await eventually(
      'the watch again',
      () => lines.filter((line) => line === 'connected').length > round,
    );
    t.log(`back ${took.toFixed(0)} ms after etcd`);
    await etcdctl(etcd.endpoint, [...ROOT, 'put', '/net/a', `after ${round}`]);
    await eventually('the event', () => lines.at(-1) === `after ${round}`);
  }
  t.deepEqual(
    lines.map((line) => line.replace(/: .*/s, '')),
    ['connected', ...[1, 2, 3].flatMap((round) => ['disconnected', 'connected', `after ${round}`])],
  );
});

test('a token that expires while nothing is asked is replaced, and a watch does not mind', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await guardedEtcd(t, '--auth-token-ttl', '1');
  const proxy = await TcpProxy.start(etcd.endpoint);
  t.teardown(() => proxy.stop());
  // With a second endpoint a read that this user is not permitted goes before each write.
  const { client, lines } = await watching(t, `${proxy.endpoint},${etcd.endpoint}`);
  await client.kv.put('/net/a', 'one');
  const before = await passwordChecks(etcd);
  // etcd looks for expired tokens once a second, and asking whether one has expired would extend it.
  await delay(2_500);
  await client.kv.put('/net/a', 'two');
  t.is(await passwordChecks(etcd), before + 1, 'the token had expired');
  await eventually('the events', () => lines.at(-1) === 'two');
  t.deepEqual(lines, ['connected', 'one', 'two']);
  await delay(2_500);
  proxy.cut();
  await eventually('the watch again', () => lines.at(-1) === 'connected');
  t.is(lines.filter((line) => line.startsWith('disconnected')).length, 1);
  t.is(await passwordChecks(etcd), before + 2, 'it had expired for the watch too');
});

test('signed tokens are replaced before anybody notices that they last two seconds', async (t) => {
  if (!hasEtcd(t)) return;
  const directory = mkdtempSync(join(tmpdir(), 'flanneld-jwt-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const [key, pub] = [join(directory, 'key.pem'), join(directory, 'pub.pem')];
  execFileSync('openssl', ['genrsa', '-out', key, '2048'], { stdio: 'pipe' });
  execFileSync('openssl', ['rsa', '-in', key, '-pubout', '-out', pub], { stdio: 'pipe' });
  const jwt = `jwt,pub-key=${pub},priv-key=${key},sign-method=RS256,ttl=2s`;
  const etcd = await guardedEtcd(t, '--auth-token', jwt);
  const { client, lines } = await watching(t, etcd.endpoint);
  const { id } = await client.leases.grant(60);
  const [before, begun] = [await passwordChecks(etcd), performance.now()];
  let writes = 0;
  while ((await passwordChecks(etcd)) < before + 2) {
    await client.kv.put('/net/a', String(++writes));
    t.is(await client.leases.keepAlive(id), 60);
    if (performance.now() - begun > 20_000) throw new Error('no token has expired');
  }
  const took = performance.now() - begun;
  t.log(`two tokens and ${writes} writes in ${took.toFixed(0)} ms`);
  t.true(took > 2_000, 'each token was used while it lasted');
  await eventually('the events', () => lines.length === writes + 1);
  t.deepEqual(lines, ['connected', ...Array.from({ length: writes }, (_, index) => String(index + 1))]);
});

test('a password that an operator has changed is a clear error, and etcd is not flooded', async (t) => {
  if (!hasEtcd(t)) return;
  const etcd = await guardedEtcd(t);
  const proxy = await TcpProxy.start(etcd.endpoint);
  t.teardown(() => proxy.stop());
  const { client, parts, lines } = await watching(t, proxy.endpoint);
  await setPassword(etcd, 'other-pw');
  const before = await passwordChecks(etcd);
  proxy.cut();
  const begun = performance.now();
  let calls = 0;
  while (performance.now() - begun < 3_000) {
    const error = await t.throwsAsync(client.kv.range({ key: '/net/a' }), { instanceOf: EtcdError });
    if (calls++ === 0) await eventually('the loss', () => lines.length === 2);
    t.is(error.code, 'unauthenticated', error.message);
    t.regex(error.message, /authentication failed, invalid user ID or password; check the etcd user name/);
    await new Promise(setImmediate);
  }
  const checks = (await passwordChecks(etcd)) - before;
  t.log(`${checks} checks for ${calls} calls and a watch in 3 s`);
  t.true(checks >= 2 && checks <= 5, `${checks} checks`);
  t.is(lines.length, 2, lines.join('\n'));
  await setPassword(etcd, 'first-pw');
  await client.reload();
  await client.kv.put('/net/a', 'again');
  await eventually('the event', () => lines.at(-1) === 'again');
  t.deepEqual(lines.slice(2), ['connected', 'again']);
  t.notRegex(`${lines.join('\n')}${parts.logger.lines.join('\n')}`, /first-pw|other-pw/);
});
