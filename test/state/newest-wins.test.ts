// One write at a time, the newest value, and a settled promise for every call.

import test from 'ava';
import { NewestWins } from '../../src/state/newest-wins.js';

/** A slow disk: each write waits to be let go. */
class SlowDisk {
  readonly begun: string[] = [];
  readonly #ends: ((error?: Error) => void)[] = [];

  readonly write = (value: string): Promise<void> => {
    this.begun.push(value);
    return new Promise((resolve, reject) => {
      this.#ends.push((error) => {
        if (error === undefined) resolve();
        else reject(error);
      });
    });
  };

  /** Ends the oldest write, and lets what follows from it happen. */
  async end(error?: Error): Promise<void> {
    this.#ends.shift()?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('what comes during a write waits, and only the newest is written', async (t) => {
  const disk = new SlowDisk();
  const writes = new NewestWins(disk.write);
  const calls = ['a', 'b', 'c', 'd'].map((value) => writes.put(value));
  t.deepEqual(disk.begun, ['a']);
  await disk.end();
  t.deepEqual(disk.begun, ['a', 'd']);
  await disk.end();
  await Promise.all(calls);
  await writes.idle();
});

test('a failure is that of the calls it was for, and the next write goes on', async (t) => {
  const disk = new SlowDisk();
  const writes = new NewestWins(disk.write);
  const outcomes = Promise.allSettled(['a', 'b', 'c'].map((value) => writes.put(value)));
  await disk.end(new Error('full'));
  t.deepEqual(disk.begun, ['a', 'c']);
  await disk.end();
  t.deepEqual(
    (await outcomes).map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  );
  const last = t.throwsAsync(writes.put('e'), { message: 'full' });
  await disk.end(new Error('full'));
  await last;
});

test('idle waits for what is written and what waits, and is at once when nothing is', async (t) => {
  const disk = new SlowDisk();
  const writes = new NewestWins(disk.write);
  await writes.idle();
  const calls = [writes.put('a'), writes.put('b')];
  let idle = false;
  const waiting = writes.idle().then(() => {
    idle = true;
  });
  await disk.end();
  t.false(idle);
  await disk.end();
  t.true(idle);
  await Promise.all([...calls, waiting]);
});
