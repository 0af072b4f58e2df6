// Calls to an etcd that is none, or hostile: what it answers is bounded, told in one line, and never repeated blindly.

import test, { type ExecutionContext } from 'ava';

import { EtcdClient, type EtcdOptions } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { EtcdError, type EtcdErrorCode } from '../../src/etcd/errors.js';
import { testParts } from '../helpers/etcd-log.js';
import { EtcdServer, Refusal } from '../helpers/etcd-server.js';
import { behave, RawEtcdServer } from '../helpers/raw-etcd-server.js';

const HEADER = { clusterId: 1n, revision: 7n };
const FOUND = { header: HEADER, kvs: [], more: false, count: 0n };
const PASSWORD = 'correct horse battery staple';

function clientFor(
  t: ExecutionContext,
  endpoints: string,
  options: Partial<EtcdOptions> = {},
): { client: EtcdClient; parts: ReturnType<typeof testParts> } {
  const parts = testParts();
  const client = new EtcdClient(
    { endpoints: parseEndpoints(endpoints), callTimeoutMs: 15_000, ...options },
    parts,
  );
  t.teardown(() => {
    client.close();
  });
  return { client, parts };
}

async function failsWith(
  t: ExecutionContext,
  call: Promise<unknown>,
  code: EtcdErrorCode,
): Promise<EtcdError> {
  const error = await t.throwsAsync(call, { instanceOf: EtcdError });
  t.is(error.code, code, error.message);
  return error;
}

async function rawServer(t: ExecutionContext): Promise<RawEtcdServer> {
  const server = await RawEtcdServer.start();
  t.teardown(() => server.close());
  return server;
}

test('a write whose answer cannot be decoded was seen, and is not sent again', async (t) => {
  const server = await rawServer(t);
  const { client } = clientFor(t, server.endpoint, { callTimeoutMs: 10_000 });
  for (const bytes of ['0100000000', '0000000002ffff']) {
    let writes = 0;
    server.answer = (_path, stream) => {
      writes++;
      behave(stream, { kind: 'bytes', bytes: Buffer.from(bytes, 'hex') });
    };
    await t.throwsAsync(client.kv.put('a', 'b'), { instanceOf: EtcdError });
    t.is(writes, 1, bytes);
  }
});

const TOKENS = ['one\nof a proxy', '', 'proxé', 'proxy'.repeat(2_000)];

test('a token that no header may hold is asked for again, and never shown', async (t) => {
  const server = await EtcdServer.start(t);
  const credentials = { username: 'flannel', password: PASSWORD };
  const { client, parts } = clientFor(t, server.endpoint, { credentials, callTimeoutMs: 10_000 });
  let asked = 0;
  server.answer('authenticate', () => ({ header: HEADER, token: TOKENS[asked++] ?? 'sound' }));
  server.answer('range', (_request, token) => {
    t.is(token, 'sound');
    return FOUND;
  });
  t.is((await client.kv.range({ key: 'a' })).revision, 7n);
  t.is(asked, TOKENS.length + 1);
  t.notRegex(parts.logger.lines.join('\n'), /prox/);
});

test('the words of a server are told in one line of bounded length', async (t) => {
  const server = await EtcdServer.start(t);
  const { client } = clientFor(t, server.endpoint);
  server.answer('put', () => {
    throw new Refusal(2, `no\nsuch\x1b[31m${'x'.repeat(2_000)}`);
  });
  const { message } = await failsWith(t, client.kv.put(`a\0${'b'.repeat(2_000)}`, 'v'), 'refused');
  t.regex(message, /: put a b{294}…: no such \[31mx+…; see etcd’s own log$/);
  t.true(message.length < 800);
});
