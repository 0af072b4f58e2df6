// `flanneld watch` of a fake daemon over a real socket: lines as they come, a daemon that starts again, and the end.

import test, { type ExecutionContext } from 'ava';
import { runCommand } from '../../src/commands/index.js';
import { until } from '../../src/lab/until.js';
import { apiWorld } from '../helpers/api.js';
import { command, keptIo, type KeptIo } from '../helpers/command.js';

interface Watching {
  readonly io: KeptIo;
  readonly ended: Promise<number>;
  readonly interrupt: () => void;
}

function watching(t: ExecutionContext, ...words: readonly string[]): Watching {
  const stop = new AbortController();
  const io = keptIo({ interrupted: () => stop.signal });
  const ended = runCommand(['watch', ...words], io);
  t.teardown(() => {
    stop.abort();
    return ended.then(() => undefined);
  });
  return {
    io,
    ended,
    interrupt: () => {
      stop.abort();
    },
  };
}

const shows = (io: KeptIo, part: string): Promise<true> =>
  until(() => io.printed().out.includes(part), { what: part, state: () => io.printed() });

test('events are lines as they come, and Ctrl-C ends it with 0', async (t) => {
  const { api, view } = await apiWorld(t);
  view.events.tell({ type: 'lease', network: 'network', text: 'the lease was renewed' });
  const { io, ended, interrupt } = watching(t, '--socket', api.socket ?? '', '--since=0');
  await shows(io, 'renewed');
  view.events.tell({ type: 'peer', network: 'blue', text: 'peer 10.5.10.0/24 is gone\u001b[2J' });
  view.events.tell({ type: 'daemon', text: 'the log level is 4 now' });
  await shows(io, 'log level');
  interrupt();
  t.is(await ended, 0);
  t.deepEqual(io.printed(), {
    out: `2026-01-01T00:00:00Z network      lease    the lease was renewed
2026-01-01T00:00:00Z blue         peer     peer 10.5.10.0/24 is gone [2J
2026-01-01T00:00:00Z -            daemon   the log level is 4 now
`,
    err: '',
  });
});

test('--network leaves the others out, --json prints a document a line', async (t) => {
  const { api, view } = await apiWorld(t);
  const { io, ended, interrupt } = watching(
    t,
    '--socket',
    api.socket ?? '',
    '--since=0',
    '--network=blue',
    '--json',
  );
  view.events.tell({ type: 'repair', network: 'network', text: 'one' });
  view.events.tell({ type: 'repair', network: 'blue', text: 'two' });
  await shows(io, 'two');
  interrupt();
  t.is(await ended, 0);
  t.like(JSON.parse(io.printed().out), { socket: api.socket, id: 2, network: 'blue', text: 'two' });
});

test('a daemon that starts again is waited for, and told from its beginning', async (t) => {
  const { api, folder, view } = await apiWorld(t);
  const { io, ended, interrupt } = watching(t, '--socket', api.socket ?? '', '--since=0');
  view.events.tell({ type: 'lease', text: 'the first life' });
  await shows(io, 'the first life');
  await api.stop();
  await until(() => io.printed().err.includes('has gone; waiting for it'), { what: 'the line that says so' });
  const next = await apiWorld(t, {
    folder,
    before: (fresh) => {
      fresh.document = { ...fresh.document, startedAt: '2026-01-02T00:00:00.000Z' };
      fresh.events.tell({ type: 'lease', text: 'the second life' });
    },
  });
  await shows(io, 'the second life');
  t.is(next.api.socket, api.socket);
  interrupt();
  t.is(await ended, 0);
  t.is(
    io.printed().err,
    `flanneld: the daemon at ${api.socket} has gone; waiting for it\nflanneld: the daemon at ${api.socket} is back\n`,
  );
});

test('no daemon at the start ends with 3, a wrong number with 2', async (t) => {
  t.is((await command(['watch', '--socket', '/nowhere/x.sock'])).code, 3);
  t.is((await command(['watch', '--since', 'yesterday'])).code, 2);
});
