// /v1/events over a real socket: what a reader gets who comes late, is slow, or takes nothing any more.

import { once } from 'node:events';
import type { Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { isEvent } from '../../src/api/documents.js';
import type { EventDocument } from '../../src/api/model.js';
import { apiWorld, dial, heard, request, say, statusOf, type ApiWorld } from '../helpers/api.js';

/** The events in what has arrived; empty lines are heartbeats, and chunk sizes are HTTP's. */
function eventsIn(text: string): readonly EventDocument[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as unknown)
    .filter(isEvent);
}

async function reader(t: ExecutionContext, { api }: ApiWorld, query = ''): Promise<Socket> {
  const socket = await dial(t, api.socket);
  socket.write(request(`/v1/events${query}`));
  return socket;
}

/** Reads until the condition holds. */
async function until(socket: Socket, holds: (text: string) => boolean): Promise<string> {
  let text = '';
  socket.setEncoding('latin1');
  while (!holds(text)) text += ((await once(socket, 'data')) as [string])[0];
  return text;
}

test('events come as they are told, and those before only when they are asked for', async (t) => {
  const world = await apiWorld(t);
  world.view.events.tell({ type: 'lease', text: 'one' });
  const fresh = await reader(t, world);
  await until(fresh, (text) => text.includes('\r\n\r\n'));
  world.view.events.tell({ type: 'peer', network: 'blue', text: 'two' });
  const [two] = eventsIn(await until(fresh, (text) => text.includes('two')));
  t.like(two, { id: 2, type: 'peer', network: 'blue', text: 'two' });
  const late = await reader(t, world, '?since=0');
  const all = eventsIn(await until(late, (text) => text.includes('two')));
  t.deepEqual(
    all.map(({ text }) => text),
    ['one', 'two'],
  );
});

test('a reader that is too slow is told how many it has lost, and nothing piles up', async (t) => {
  const world = await apiWorld(t);
  const slow = await reader(t, world);
  await until(slow, (text) => text.includes('\r\n\r\n'));
  slow.pause();
  const total = 20_000;
  for (let count = 1; count <= total; count++) {
    world.view.events.tell({ type: 'repair', text: `${count} ${'x'.repeat(400)}` });
    if (count % 100 === 0) await new Promise(setImmediate);
  }
  slow.resume();
  const seen = eventsIn(await until(slow, (text) => text.includes(`"text":"${total} `)));
  t.true(seen.length < total / 2);
  const lost = seen.filter(({ type }) => type === 'lost');
  t.true(lost.length >= 1);
  const gone = lost.reduce((sum, { text }) => sum + Number(/^\d+/.exec(text)?.[0]), 0);
  t.is(gone + seen.length - lost.length, total);
  const ids = seen.map(({ id }) => id);
  t.deepEqual(
    ids,
    [...ids].sort((a, b) => a - b),
  );
});

test('an empty line now and then; a reader that takes nothing for a minute is cut off', async (t) => {
  const beats: (() => void)[] = [];
  const world = await apiWorld(t, {
    after: (_ms, callback) => {
      beats.push(callback);
      return () => undefined;
    },
  });
  const beat = (): void => {
    beats.shift()?.();
  };
  const stuck = await reader(t, world);
  await until(stuck, (text) => text.includes('\r\n\r\n'));
  beat();
  await until(stuck, (text) => text.includes('\n\r\n'));
  stuck.pause();
  for (let count = 0; count < 10_000; count++)
    world.view.events.tell({ type: 'repair', text: 'x'.repeat(400) });
  for (let count = 0; count < 3; count++) beat();
  t.is(world.counters.get('apiReadersCut'), 0);
  beat();
  t.is(world.counters.get('apiReadersCut'), 1);
  await heard(stuck.resume());
  t.pass();
});

test('sixteen may read events; the seventeenth is told so, and questions are still answered', async (t) => {
  const world = await apiWorld(t);
  const readers = await Promise.all(Array.from({ length: 16 }, () => reader(t, world)));
  await Promise.all(readers.map((socket) => until(socket, (text) => text.includes('\r\n\r\n'))));
  t.is(statusOf(await say(t, world.api.socket, request('/v1/events'))), '503');
  t.is(statusOf(await say(t, world.api.socket, request('/v1/status'))), '200');
  for (const socket of readers) socket.destroy();
  let socket = await reader(t, world);
  while (!(await until(socket, (text) => text.includes('\r\n\r\n'))).startsWith('HTTP/1.1 200'))
    socket = await reader(t, world);
  t.pass();
});
