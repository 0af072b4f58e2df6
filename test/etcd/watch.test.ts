// The watch loop against a gRPC server in this process: losses, refusals, stops.

import test, { type ExecutionContext } from 'ava';

import { EtcdClient, type EtcdOptions } from '../../src/etcd/client.js';
import { parseEndpoints } from '../../src/etcd/endpoints.js';
import { WatchResponse } from '../../src/etcd/generated/rpc.js';
import { testParts } from '../helpers/etcd-log.js';
import { EtcdServer, type Stream } from '../helpers/etcd-server.js';
import { eventually } from '../helpers/etcd-wait.js';

const answer = (fields: Partial<WatchResponse>): WatchResponse => ({
  ...WatchResponse.decode(Buffer.alloc(0)),
  header: { clusterId: 1n, revision: 10n },
  ...fields,
});

function put(modRevision: bigint): WatchResponse['events'][number] {
  const kv = {
    key: Buffer.from('/a'),
    value: Buffer.from('v'),
    createRevision: 1n,
    modRevision,
    version: 1n,
    lease: 0n,
  };
  return { type: 0, kv };
}

interface Watched {
  readonly server: EtcdServer;
  readonly lines: string[];
  readonly starts: bigint[];
  readonly client: EtcdClient;
  readonly stop: () => void;
}

/** Watches from revision 5 through `onStream`, which is told how many streams came before. */
async function watched(
  t: ExecutionContext,
  onStream: (stream: Stream, index: number) => void,
  options: Partial<EtcdOptions> = {},
  startRevision = 5n,
): Promise<Watched> {
  const server = await EtcdServer.start(t);
  const starts: bigint[] = [];
  server.answer('authenticate', () => ({ header: undefined, token: 't' }));
  server.onWatch((stream) => {
    stream.on('error', () => undefined);
    stream.once('data', (request: { requestUnion?: { value: { startRevision: bigint } } }) => {
      starts.push(request.requestUnion?.value.startRevision ?? -1n);
      onStream(stream, starts.length - 1);
    });
  });
  const client = new EtcdClient({ endpoints: parseEndpoints(server.endpoint), ...options }, testParts());
  t.teardown(() => {
    client.close();
  });
  const lines: string[] = [];
  const stop = client.watch(
    { prefix: '/', startRevision },
    {
      events: (events, revision) =>
        lines.push(`${events.map(({ kv }) => kv.modRevision).join(',')} up to ${revision}`),
      compacted: (revision) => lines.push(`compacted ${revision}`),
      disconnected: (reason) => lines.push(`disconnected ${reason.replace(/^etcd \S+ /, '')}`),
      connected: () => lines.push('connected'),
    },
  );
  return { server, lines, starts, client, stop };
}

test.serial('a lost stream is resumed after the last event, and the loss told once', async (t) => {
  const { lines, starts } = await watched(t, (stream, index) => {
    if (index === 1 || index === 2) {
      stream.emit('error', { code: 14, details: 'etcdserver: no leader' });
      return;
    }
    stream.write(answer({ created: true }));
    stream.write(answer({ events: [put(index === 0 ? 6n : 8n)] }));
    if (index === 0) stream.end();
  });
  await eventually('four streams', () => starts.length === 4 && lines.length === 5);
  t.deepEqual(starts, [5n, 7n, 7n, 7n]);
  t.deepEqual(lines, [
    'connected',
    '6 up to 6',
    'disconnected watch /: etcd ended the stream; check etcd and the network to it',
    'connected',
    '8 up to 8',
  ]);
});

test.serial('parts of an answer that was cut off are not handed out twice', async (t) => {
  const { lines, starts } = await watched(t, (stream, index) => {
    stream.write(answer({ created: true }));
    stream.write(answer({ fragment: true, events: [put(6n), put(7n)] }));
    if (index === 0) stream.end();
    else stream.write(answer({ events: [put(7n)] }));
  });
  await eventually('the second stream', () => lines.length === 4);
  t.deepEqual(starts, [5n, 5n]);
  t.deepEqual(lines.slice(2), ['connected', '6,7,7 up to 7']);
});

test.serial('a compacted watch ends and stays silent', async (t) => {
  const { lines, starts } = await watched(t, (stream) => {
    stream.write(answer({ created: true }));
    stream.write(answer({ canceled: true, compactRevision: 9n }));
    stream.write(answer({ events: [put(9n)] }));
  });
  await eventually('the compaction', () => lines.length >= 2);
  t.deepEqual(lines, ['connected', 'compacted 9']);
  t.deepEqual(starts, [5n]);
});

test.serial('a watch that is not permitted is tried again, and says why once', async (t) => {
  const { lines, starts } = await watched(t, (stream, index) => {
    if (index < 2) {
      const cancelReason = 'rpc error: code = PermissionDenied desc = etcdserver: permission denied';
      stream.write(answer({ created: true, canceled: true, cancelReason }));
    } else {
      stream.write(answer({ created: true }));
    }
  });
  await eventually('the grant', () => lines.length === 2);
  t.is(starts.length, 3);
  t.regex(lines[0] ?? '', /^disconnected watch \/: .*permission denied/);
  t.is(lines[1], 'connected');
});

test.serial(
  'a connection given up by another call while a token is awaited costs one more try',
  async (t) => {
    let lose = (): void => undefined;
    const options = { credentials: { username: 'u', password: 'p' }, callTimeoutMs: 600 };
    const { server, lines, starts, client } = await watched(
      t,
      (stream, index) => {
        stream.write(answer({ created: true }));
        lose = () => stream.emit('error', { code: 16, details: 'etcdserver: invalid auth token' });
        if (index > 0) stream.write(answer({ events: [put(6n)] }));
      },
      options,
    );
    await eventually('the watch', () => lines.length === 1);
    server.answer('range', () => new Promise(() => undefined));
    const slow = client.kv.range({ key: 'a' });
    await eventually('the range under way', () => server.calls.includes('Range'));
    let [asked, grant] = [0, (): void => undefined];
    server.answer('authenticate', () => {
      if (asked++ > 0) return { header: undefined, token: 't' };
      return new Promise((resolve) => {
        grant = () => {
          resolve({ header: undefined, token: 't' });
        };
      });
    });
    lose();
    await eventually('the second request for a token', () => asked === 1);
    // Its deadline gives the connection up, on which the watch is about to open its stream.
    await t.throwsAsync(slow, { code: 'deadline' });
    grant();
    await eventually('the event', () => lines.includes('6 up to 6'));
    t.is(starts.length, 2);
    t.is(lines.filter((line) => line.startsWith('disconnected')).length, 1);
  },
);

test.serial(
  'a token that etcd does not know, and does not say so, is replaced; a missing permission costs few of them',
  async (t) => {
    const options = { credentials: { username: 'u', password: 'p' } };
    let known = '';
    const { server, lines, starts } = await watched(
      t,
      (stream) => {
        // As etcd did before the end of 2022: https://github.com/etcd-io/etcd/issues/12385
        const cancelReason = 'rpc error: code = PermissionDenied desc = etcdserver: permission denied';
        const refused = stream.metadata.get('token')[0] !== known;
        stream.write(answer(refused ? { created: true, canceled: true, cancelReason } : { created: true }));
      },
      options,
    );
    let tokens = 0;
    server.answer('authenticate', () => ({ header: undefined, token: `t${++tokens}` }));
    await eventually('some refusals', () => starts.length >= 6, 20_000);
    t.true(tokens >= 1 && tokens <= 3, `${tokens} tokens for ${starts.length} tries`);
    server.answer('authenticate', () => ({ header: undefined, token: (known = 'good') }));
    await eventually('the watch', () => lines.at(-1) === 'connected', 15_000);
    t.is(lines.length, 2);
  },
);

test.serial('a watch that cannot be had is tried again ever more slowly', async (t) => {
  const times: number[] = [];
  await watched(t, (stream) => {
    times.push(performance.now());
    stream.emit('error', { code: 14, details: 'etcdserver: no leader' });
  });
  await eventually('six tries', () => times.length === 6, 15_000);
  const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  for (const [index, wait] of waits.entries()) {
    t.true(wait >= 50 * 2 ** index - 2, `wait ${index}: ${wait.toFixed(0)} ms`);
  }
});

test.serial('after stop and after close no handler is called', async (t) => {
  let current: Stream | undefined;
  const { lines, client, stop } = await watched(t, (stream) => {
    current = stream;
    stream.write(answer({ created: true }));
  });
  await eventually('the watch', () => lines.length === 1);
  const ended = new Promise((resolve) => current?.once('cancelled', resolve));
  stop();
  current?.write(answer({ events: [put(6n)] }));
  await ended;
  client.close();
  t.deepEqual(lines, ['connected']);
});

test('a revision that no etcd can have is a reason to list anew, not to ask for ever', async (t) => {
  const last = 2n ** 63n - 1n;
  const beyond = await watched(t, () => undefined, {}, last + 1n);
  await eventually('the end', () => beyond.lines.length === 1);
  t.deepEqual([beyond.lines, beyond.starts], [[`compacted ${last}`], []]);
  const told = await watched(t, (stream) => {
    stream.write(answer({ created: true }));
    stream.write(answer({ events: [put(last)] }));
    stream.end();
  });
  await eventually('the end of the second', () => told.lines.length === 4);
  t.deepEqual(told.starts, [5n]);
  t.is(told.lines.at(-1), `compacted ${last}`);
});
