// Certificate files that change under a standing connection: used when they are good, and no harm done when they are not.

import { appendFileSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';

import { systemClock, type Clock } from '../../src/clock.js';
import { EtcdClient } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { WatchResponse } from '../../src/etcd/generated/rpc.js';
import { testParts } from '../helpers/etcd-log.js';
import { EtcdServer } from '../helpers/etcd-server.js';
import { makeCertificates, type TestCertificates } from '../helpers/etcd-tls.js';
import { eventually } from '../helpers/etcd-wait.js';
import { etcdFor, hasEtcd } from '../helpers/etcd.js';
import { TlsProxy } from '../helpers/tls-proxy.js';

const WARNING = 'the certificate files cannot be used as they are';

/** The files an operator renews: first the client's, later the renewed ones. */
class LiveFiles {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly #certificates: TestCertificates;

  constructor(certificates: TestCertificates) {
    this.#certificates = certificates;
    [this.caFile, this.certFile, this.keyFile] = ['live-ca.pem', 'live.pem', 'live.key'].map((name) =>
      join(certificates.directory, name),
    ) as [string, string, string];
    copyFileSync(certificates.ca, this.caFile);
    this.client();
  }

  client(): void {
    copyFileSync(this.#certificates.clientCert, this.certFile);
    copyFileSync(this.#certificates.clientKey, this.keyFile);
  }

  renew(): void {
    this.renewCertificate();
    this.renewKey();
  }

  renewCertificate(): void {
    copyFileSync(this.#certificates.renewedCert, this.certFile);
  }

  renewKey(): void {
    copyFileSync(this.#certificates.renewedKey, this.keyFile);
  }
}

interface Scene {
  readonly client: EtcdClient;
  readonly parts: ReturnType<typeof testParts>;
  readonly lines: string[];
}

/** A client with a watch from now on, which notes what it is told. */
async function watching(
  endpoints: string,
  tls: LiveFiles,
  t: ExecutionContext,
  clock?: Clock,
): Promise<Scene> {
  const parts = { ...testParts(), ...(clock === undefined ? {} : { clock }) };
  const client = new EtcdClient({ endpoints: parseEndpoints(endpoints), tls, callTimeoutMs: 5_000 }, parts);
  t.teardown(() => {
    client.close();
  });
  const lines: string[] = [];
  client.watch(
    { prefix: '/', startRevision: 0n },
    {
      events: (events) => lines.push(...events.map(({ kv }) => Buffer.from(kv.value).toString())),
      compacted: () => lines.push('compacted'),
      disconnected: (reason) => lines.push(`disconnected ${reason}`),
      connected: () => lines.push('connected'),
    },
  );
  await eventually('the watch', () => lines.length === 1);
  return { client, parts, lines };
}

const warnings = ({ parts }: Scene): string[] => parts.logger.lines.filter((line) => line.includes(WARNING));

test('renewed files take over the standing connection, and the watch on it misses and notices nothing', async (t) => {
  if (!hasEtcd(t)) return;
  const certificates = makeCertificates(t);
  const etcd = await etcdFor(t);
  const proxy = await TlsProxy.start(t, etcd.endpoint, certificates);
  const files = new LiveFiles(certificates);
  const scene = await watching(proxy.endpoint, files, t);
  const { client, parts, lines } = scene;
  const written: string[] = [];
  const writing = new AbortController();
  const writer = (async (): Promise<void> => {
    for (let index = 0; !writing.signal.aborted; index++) {
      await client.kv.put('/a', String(index));
      written.push(String(index));
    }
  })();
  await client.reload();
  t.is(proxy.count, 1, 'the same files are nothing new');
  for (let round = 0; round < 6; round++) {
    const before = written.length;
    if (round % 2 === 0) files.renew();
    else files.client();
    await client.reload();
    await eventually('writes on the new connection', () => written.length > before + 5);
  }
  await eventually('the old connections end', () => proxy.open.length === 1);
  t.deepEqual(proxy.open, ['client']);
  t.is(proxy.count, 7);
  writing.abort();
  await writer;
  await eventually('the last event', () => lines.at(-1) === written.at(-1));
  t.deepEqual(lines, ['connected', ...written], 'nothing lost, nothing twice, no word of a loss');
  t.is(parts.counters.get('etcdTlsRenewals'), 6);
  t.is(parts.counters.get('etcdTlsRenewalErrors') + parts.counters.get('etcdDisconnects'), 0);
});

test('changed files are found without being told of, as long as there is a connection', async (t) => {
  if (!hasEtcd(t)) return;
  const certificates = makeCertificates(t);
  const etcd = await etcdFor(t);
  const proxy = await TlsProxy.start(t, etcd.endpoint, certificates);
  const files = new LiveFiles(certificates);
  let looks = 0;
  const fast: Clock = {
    ...systemClock,
    after: (ms, callback) => {
      if (ms !== 10_000) return systemClock.after(ms, callback);
      looks++;
      return systemClock.after(20, callback);
    },
  };
  const { lines } = await watching(proxy.endpoint, files, t, fast);
  await eventually('some looks at unchanged files', () => looks > 3);
  t.is(proxy.count, 1);
  files.renew();
  await eventually('the new connection alone', () => proxy.open.join() === 'renewed');
  t.deepEqual(lines, ['connected']);
});

test('a half-written pair, a foreign CA or a broken file costs a warning and no connection', async (t) => {
  if (!hasEtcd(t)) return;
  const certificates = makeCertificates(t);
  const etcd = await etcdFor(t);
  const proxy = await TlsProxy.start(t, etcd.endpoint, certificates);
  const files = new LiveFiles(certificates);
  const scene = await watching(proxy.endpoint, files, t);
  const { client, parts, lines } = scene;
  const stays = async (reason: RegExp): Promise<void> => {
    const before = warnings(scene).length;
    await client.reload();
    await client.reload();
    t.regex(warnings(scene).at(-1) ?? '', reason);
    t.is(warnings(scene).length, before + 1, 'told once while it lasts');
    await client.kv.put('/a', 'still');
    t.deepEqual(proxy.open, ['client']);
  };
  files.renewCertificate();
  await stays(/key values mismatch/);
  writeFileSync(files.keyFile, '');
  await stays(/live\.key holds no PEM block/);
  files.client();
  copyFileSync(certificates.otherCa, files.caFile);
  await stays(/certificate/);
  t.is(parts.counters.get('etcdTlsRenewalErrors'), 6);
  copyFileSync(certificates.ca, files.caFile);
  await client.reload();
  t.is(parts.counters.get('etcdTlsRenewals'), 0, 'the former files again are nothing new');
  files.renew();
  appendFileSync(files.caFile, '\n');
  await client.reload();
  await eventually('the new connection alone', () => proxy.open.join() === 'renewed');
  t.deepEqual(lines, ['connected', 'still', 'still', 'still']);
});

test('files that cannot be proved because etcd is away are used when it is back', async (t) => {
  if (!hasEtcd(t)) return;
  const certificates = makeCertificates(t);
  const { serverCert: certFile, serverKey: keyFile, ca: clientCaFile } = certificates;
  const etcd = await etcdFor(t, { tls: { certFile, keyFile, clientCaFile } });
  const files = new LiveFiles(certificates);
  const scene = await watching(etcd.endpoint, files, t);
  const { client, lines } = scene;
  await etcd.freeze();
  files.renew();
  await client.reload();
  t.regex(warnings(scene)[0] ?? '', /no connection within 2\.0 s/);
  etcd.thaw();
  await client.reload();
  t.is(scene.parts.counters.get('etcdTlsRenewals'), 1);
  await client.kv.put('/a', 'after');
  await eventually('the event', () => lines.length === 2);
  t.deepEqual(lines, ['connected', 'after']);
});

test('a watch that stayed on a connection the calls have left is brought over as well', async (t) => {
  if (!hasEtcd(t)) return;
  const certificates = makeCertificates(t);
  const files = new LiveFiles(certificates);
  const servers = [await EtcdServer.start(t), await EtcdServer.start(t)];
  const proxies: TlsProxy[] = [];
  for (const server of servers) {
    server.onWatch((stream) => {
      stream.on('error', () => undefined);
      stream.once('data', () => {
        const empty = WatchResponse.decode(Buffer.alloc(0));
        stream.write({ ...empty, header: { clusterId: 1n, revision: 1n }, created: true });
      });
    });
    proxies.push(await TlsProxy.start(t, server.endpoint, certificates));
  }
  const [first, second] = proxies as [TlsProxy, TlsProxy];
  const { client, lines } = await watching(`${first.endpoint},${second.endpoint}`, files, t);
  servers[0]?.answer('range', () => new Promise(() => undefined));
  servers[1]?.answer('range', () => ({
    header: { clusterId: 1n, revision: 1n },
    kvs: [],
    more: false,
    count: 0n,
  }));
  await client.kv.range({ key: 'a' });
  t.deepEqual([first.open, second.open], [['client'], ['client']], 'calls go to the second, the watch stays');
  files.renew();
  await client.reload();
  await eventually('one connection', () => first.open.length === 0 && second.open.join() === 'renewed');
  t.deepEqual(lines, ['connected']);
});
