// How calls are made: deadlines, what is repeated and what is not, tokens. Against a gRPC server in this process.

import { createServer, type AddressInfo, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';

import { systemClock, type Clock } from '../../src/clock.js';
import { EtcdClient, type EtcdOptions } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { EtcdError, type EtcdErrorCode } from '../../src/etcd/errors.js';
import { testParts } from '../helpers/etcd-log.js';
import { EtcdServer, Refusal } from '../helpers/etcd-server.js';
import { eventually } from '../helpers/etcd-wait.js';

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

test.serial('a read is repeated after a passing failure', async (t) => {
  const server = await EtcdServer.start(t);
  const { client, parts } = clientFor(t, server.endpoint);
  let attempts = 0;
  server.answer('range', () => {
    if (++attempts < 3) throw new Refusal(14, 'etcdserver: no leader');
    return FOUND;
  });
  t.is((await client.kv.range({ key: 'a' })).revision, 7n);
  t.is(attempts, 3);
  t.is(parts.counters.get('etcdRetries'), 2);
});

test.serial('time-outs and cancellations of etcd’s own are passing failures', async (t) => {
  const server = await EtcdServer.start(t);
  const { client } = clientFor(t, server.endpoint);
  const failures = [
    new Refusal(2, 'context deadline exceeded'),
    new Refusal(1, 'context canceled'),
    new Refusal(1, 'etcdserver: watch canceled'),
    new Refusal(14, 'etcdserver: request timed out, possibly due to previous leader failure'),
  ];
  server.answer('range', () => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    return FOUND;
  });
  t.is((await client.kv.range({ key: 'a' })).revision, 7n);
  t.deepEqual(failures, []);
});

test.serial('a write whose fate is unknown is not repeated', async (t) => {
  const server = await EtcdServer.start(t);
  const { client } = clientFor(t, server.endpoint);
  let attempts = 0;
  server.answer('put', () => {
    attempts++;
    throw new Refusal(14, 'etcdserver: request timed out');
  });
  const error = await failsWith(t, client.kv.put('a', 'b'), 'busy');
  t.true(error.retryable);
  t.is(attempts, 1);
});

test.serial('a write goes to the next endpoint when the first cannot be reached', async (t) => {
  const server = await EtcdServer.start(t);
  const { client } = clientFor(t, `http://127.0.0.1:1,${server.endpoint}`);
  server.answer('put', () => ({ header: HEADER }));
  t.is(await client.kv.put('a', 'b'), 7n);
  t.deepEqual(
    server.calls.filter((name) => name === 'Put'),
    ['Put'],
  );
});

test.serial('the deadline is one for all attempts', async (t) => {
  const server = await EtcdServer.start(t);
  const { client } = clientFor(t, server.endpoint, { callTimeoutMs: 1_500 });
  server.answer('range', () => new Promise(() => undefined));
  const begun = performance.now();
  const error = await failsWith(t, client.kv.range({ key: 'a' }), 'deadline');
  const took = performance.now() - begun;
  t.true(took >= 1_490 && took < 3_000, `${took} ms`);
  t.true(error.message.includes(server.endpoint) && error.message.includes('range a'), error.message);
});

test.serial('an unreachable endpoint is named with reason and remedy', async (t) => {
  const { client } = clientFor(t, 'http://127.0.0.1:1', { callTimeoutMs: 1_000 });
  const error = await failsWith(t, client.kv.range({ key: 'a' }), 'unreachable');
  t.regex(
    error.message,
    /^etcd http:\/\/127\.0\.0\.1:1: range a: connect ECONNREFUSED 127\.0\.0\.1:1; check that etcd runs/,
  );
});

test.serial('calls share one token, and a refused token is replaced once for all', async (t) => {
  const server = await EtcdServer.start(t);
  const credentials = { username: 'flannel', password: PASSWORD };
  const { client, parts } = clientFor(t, server.endpoint, { credentials });
  let current = 0;
  server.answer('authenticate', ({ name, password }) => {
    t.deepEqual([name, password], ['flannel', PASSWORD]);
    return { header: HEADER, token: `token-${++current}` };
  });
  server.answer('range', (_request, token) => {
    if (token !== `token-${current}`) throw new Refusal(16, 'etcdserver: invalid auth token');
    return FOUND;
  });
  await Promise.all([1, 2, 3].map(() => client.kv.range({ key: 'a' })));
  t.is(current, 1);
  current = 100;
  await client.kv.range({ key: 'a' });
  t.is(current, 101);
  t.false(parts.logger.lines.join('\n').includes(PASSWORD));
});

test.serial('a write refused for its token is repeated with a new one', async (t) => {
  for (const [code, text] of [
    [16, 'etcdserver: invalid auth token'],
    [3, 'etcdserver: revision of auth store is old'],
    [3, 'etcdserver: user name is empty'],
  ] as const) {
    const server = await EtcdServer.start(t);
    const { client } = clientFor(t, server.endpoint, { credentials: { username: 'u', password: PASSWORD } });
    let tokens = 0;
    server.answer('authenticate', () => ({ header: HEADER, token: `token-${++tokens}` }));
    server.answer('put', (_request, token) => {
      if (token !== 'token-2') throw new Refusal(code, text);
      return { header: HEADER };
    });
    t.is(await client.kv.put('a', 'b'), 7n, text);
  }
});

test.serial('a token that is always refused ends in an error, not in a loop', async (t) => {
  const server = await EtcdServer.start(t);
  const { client } = clientFor(t, server.endpoint, { credentials: { username: 'u', password: PASSWORD } });
  server.answer('authenticate', () => ({ header: HEADER, token: 'x' }));
  server.answer('range', () => {
    throw new Refusal(16, 'etcdserver: invalid auth token');
  });
  await failsWith(t, client.kv.range({ key: 'a' }), 'unauthenticated');
  t.true(server.calls.length <= 6, server.calls.join(' '));
});

test.serial('credentials are not needed where authentication is off', async (t) => {
  const server = await EtcdServer.start(t);
  const { client } = clientFor(t, server.endpoint, { credentials: { username: 'u', password: PASSWORD } });
  server.answer('authenticate', () => {
    throw new Refusal(9, 'etcdserver: authentication is not enabled');
  });
  server.answer('range', (_request, token) => {
    t.is(token, undefined);
    return FOUND;
  });
  await client.kv.range({ key: 'a' });
  await client.kv.range({ key: 'a' });
  t.deepEqual(server.calls.filter((name) => name === 'Authenticate').length, 1);
});

test.serial('a wrong password is an error at once, and is not shown', async (t) => {
  const server = await EtcdServer.start(t);
  const { client, parts } = clientFor(t, server.endpoint, {
    credentials: { username: 'u', password: PASSWORD },
  });
  server.answer('authenticate', () => {
    throw new Refusal(3, 'etcdserver: authentication failed, invalid user ID or password');
  });
  const error = await failsWith(t, client.kv.range({ key: 'a' }), 'unauthenticated');
  t.is(server.calls.length, 1);
  t.false(`${error.stack ?? ''}${parts.logger.lines.join('\n')}`.includes(PASSWORD));
});

test.serial('what is turned away before it is done goes to the next endpoint, a write as well', async (t) => {
  for (const [code, text] of [
    [14, 'etcdserver: no leader'],
    [8, 'etcdserver: too many requests'],
    [14, 'etcdserver: not capable'],
    [14, 'etcdserver: rpc not supported for learner'],
    [2, 'raft proposal dropped'],
    [14, 'Stream refused by server'],
  ] as const) {
    const [first, second] = [await EtcdServer.start(t), await EtcdServer.start(t)];
    const { client } = clientFor(t, `${first.endpoint},${second.endpoint}`);
    first.answer('put', () => {
      throw new Refusal(code, text);
    });
    second.answer('put', () => ({ header: HEADER }));
    t.is(await client.kv.put('a', 'b'), 7n, text);
    t.is([...first.calls, ...second.calls].filter((name) => name === 'Put').length, 2);
  }
});

test.serial('a write is not given to a member whom the majority does not confirm', async (t) => {
  const [silent, sound] = [await EtcdServer.start(t), await EtcdServer.start(t)];
  const { client } = clientFor(t, `${silent.endpoint},${sound.endpoint}`, { callTimeoutMs: 5_000 });
  silent.answer('range', () => new Promise(() => undefined));
  silent.answer('put', () => {
    throw new Error('it must not come here');
  });
  sound.answer('range', () => FOUND);
  sound.answer('put', () => ({ header: HEADER }));
  t.is(await client.kv.put('a', 'b'), 7n);
  t.deepEqual(sound.calls, ['Range', 'Put']);
});

test.serial('a member without leader is asked for nothing but its status', async (t) => {
  const server = await EtcdServer.start(t);
  const { client } = clientFor(t, server.endpoint, { credentials: { username: 'u', password: PASSWORD } });
  const asked: (string | undefined)[] = [];
  server.answer('authenticate', (_request, _token, hasleader) => {
    asked.push(hasleader);
    return { header: HEADER, token: 't' };
  });
  server.answer('range', (_request, _token, hasleader) => {
    asked.push(hasleader);
    return FOUND;
  });
  server.answer('status', (_request, _token, hasleader) => {
    asked.push(hasleader);
    return { header: HEADER, version: '3.4.23', leader: 0n };
  });
  await client.kv.range({ key: 'a' });
  t.deepEqual(await client.status(), { version: '3.4.23', hasLeader: false });
  t.deepEqual(asked, ['true', 'true', undefined]);
});

test.serial('an endpoint that is not etcd, or has the wrong certificate, is passed over', async (t) => {
  const other = createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.1 400 Bad\r\n\r\n'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    other.close();
  });
  const { port } = other.address() as AddressInfo;
  const server = await EtcdServer.start(t);
  server.answer('put', () => ({ header: HEADER }));
  const { client } = clientFor(t, `https://127.0.0.1:${port},http://127.0.0.1:${port},${server.endpoint}`);
  t.is(await client.kv.put('a', 'b'), 7n);
  const wrong = clientFor(t, `https://127.0.0.1:${port},http://127.0.0.1:${port}`);
  const begun = performance.now();
  await failsWith(t, wrong.client.kv.put('a', 'b'), 'wrong-protocol');
  t.true(performance.now() - begun < 10_000, 'each was tried once');
});

test.serial('a token is asked for elsewhere when the first member does not answer', async (t) => {
  const [silent, sound] = [await EtcdServer.start(t), await EtcdServer.start(t)];
  const credentials = { username: 'u', password: PASSWORD };
  const { client } = clientFor(t, `${silent.endpoint},${sound.endpoint}`, {
    credentials,
    callTimeoutMs: 5_000,
  });
  silent.answer('authenticate', () => new Promise(() => undefined));
  sound.answer('authenticate', () => ({ header: HEADER, token: 't' }));
  sound.answer('range', () => FOUND);
  t.is((await client.kv.range({ key: 'a' })).revision, 7n);
});

test.serial(
  'a password known to be wrong is not checked with every call, and at once after a reload',
  async (t) => {
    const server = await EtcdServer.start(t);
    let ahead = 0;
    const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead };
    const credentials = { username: 'u', password: PASSWORD };
    const client = new EtcdClient(
      { endpoints: parseEndpoints(server.endpoint), credentials },
      { ...testParts(), clock, random: () => 0.999 },
    );
    t.teardown(() => {
      client.close();
    });
    server.answer('authenticate', () => {
      throw new Refusal(3, 'etcdserver: authentication failed, invalid user ID or password');
    });
    server.answer('range', () => FOUND);
    const call = (): Promise<unknown> => client.kv.range({ key: 'a' });
    for (const [round, heldMs] of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000].entries()) {
      for (let count = 0; count < 20; count++) await failsWith(t, call(), 'unauthenticated');
      t.is(server.calls.length, round + 1, `${heldMs} ms`);
      ahead += heldMs;
    }
    server.answer('authenticate', () => ({ header: HEADER, token: 't' }));
    ahead -= 60_000;
    await failsWith(t, call(), 'unauthenticated');
    await client.reload();
    await t.notThrowsAsync(call());
  },
);

test.serial('etcd’s refusals keep their meaning', async (t) => {
  const server = await EtcdServer.start(t);
  const { client } = clientFor(t, server.endpoint);
  for (const [code, text, expected] of [
    [7, 'etcdserver: permission denied', 'permission-denied'],
    [3, 'etcdserver: request is too large', 'too-large'],
    [8, 'etcdserver: mvcc: database space exceeded', 'no-space'],
    [5, 'etcdserver: requested lease not found', 'lease-not-found'],
    [12, 'unknown service etcdserverpb.KV', 'wrong-protocol'],
    [2, 'something new', 'refused'],
  ] as const) {
    server.answer('put', () => {
      throw new Refusal(code, text);
    });
    const error = await failsWith(t, client.kv.put('a', 'b'), expected);
    t.is(error.reason, text);
    t.false(error.retryable);
  }
});

test.serial('a repetition that would come too late does not hide why the call failed', async (t) => {
  // A process so busy that its timers fire late: the wait before the repetition eats up what was left.
  const late: Clock = {
    ...systemClock,
    after: (ms, callback) => {
      if (ms > 0) return systemClock.after(ms + 600, callback);
      queueMicrotask(callback);
      return () => undefined;
    },
  };
  const options = { endpoints: parseEndpoints('http://127.0.0.1:1'), callTimeoutMs: 500 };
  const client = new EtcdClient(options, { ...testParts(), clock: late });
  t.teardown(() => {
    client.close();
  });
  const error = await failsWith(t, client.kv.range({ key: 'a' }), 'unreachable');
  t.regex(error.reason, /ECONNREFUSED/);
});

test.serial(
  'a call that waits for a connection which another call gives up goes to the next endpoint',
  async (t) => {
    const server = await EtcdServer.start(t);
    server.answer('range', () => FOUND);
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    const { client } = clientFor(t, `http://127.0.0.1:${port},${server.endpoint}`, { callTimeoutMs: 5_000 });
    const first = client.kv.range({ key: 'a' });
    await eventually('the first connection', () => sockets.length > 0);
    // It joins the first one's attempt late, and so is still waiting when that one runs out of patience.
    const second = client.kv.range({ key: 'b' });
    t.is((await first).revision, 7n);
    t.is((await second).revision, 7n);
  },
);

test.serial('close ends calls under way, and later ones fail at once', async (t) => {
  const server = await EtcdServer.start(t);
  const { client } = clientFor(t, server.endpoint);
  const begun = performance.now();
  server.answer('range', () => new Promise(() => undefined));
  const call = client.kv.range({ key: 'a' });
  server.answer('put', () => {
    client.close();
    return new Promise(() => undefined);
  });
  await failsWith(t, client.kv.put('a', 'b'), 'closed');
  await failsWith(t, call, 'closed');
  await failsWith(t, client.kv.range({ key: 'a' }), 'closed');
  t.true(performance.now() - begun < 10_000, 'long before the deadline');
});

test.serial('construction does no I/O and loads nothing', async (t) => {
  const { client } = clientFor(t, 'https://127.0.0.1:1', { tls: { caFile: '/no/such/file' } });
  const error = await failsWith(t, client.kv.range({ key: 'a' }), 'tls');
  t.regex(error.message, /the CA file \/no\/such\/file cannot be read/);
});
