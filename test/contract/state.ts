// What every NodeState does, as one suite: run on the fake, and on files in a folder.

import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext, TestFn } from 'ava';
import { Counters } from '../../src/counters.js';
import { StateError, type StateErrorCode } from '../../src/state/errors.js';
import type { NodeState } from '../../src/state/node-state.js';
import { FakeClock } from '../fakes/fake-clock.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { PREFIX, snapshot } from '../helpers/snapshots.js';

/** What a state is opened with; the suite steers and looks at it. */
export class StateWorld {
  readonly clock = new FakeClock();
  readonly logger = new RecordingLogger();
  readonly counters = new Counters();

  /** What a state is built from. */
  get parts(): { clock: FakeClock; logger: RecordingLogger; counters: Counters } {
    const { clock, logger, counters } = this;
    return { clock, logger, counters };
  }

  /** Steps the clock from timer to timer until the promise has settled; between them it may talk to a real disk. */
  async settle<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
    const progress = { done: false };
    const all = Promise.allSettled([promise]).finally(() => {
      progress.done = true;
    });
    while (!progress.done) {
      const { untilNext } = this.clock;
      if (untilNext === undefined) await delay(1);
      else await this.clock.advance(untilNext);
    }
    return (await all)[0];
  }
}

/** One folder, that states are opened on one after the other, and the bytes in it. */
export interface StateHarness {
  readonly world: StateWorld;
  readonly open: (prefix?: string) => Promise<NodeState>;
  readonly raw: {
    snapshot(): Promise<Uint8Array | undefined>;
    bad(): Promise<Uint8Array | undefined>;
    put(bytes: Uint8Array): Promise<void>;
  };
}

export type OpenStateHarness = (t: ExecutionContext) => Promise<StateHarness>;

export async function rejectsWithState(
  t: ExecutionContext,
  promise: Promise<unknown>,
  code: StateErrorCode,
): Promise<StateError> {
  const error = await t.throwsAsync<StateError>(promise, { instanceOf: StateError });
  t.is(error.code, code);
  return error;
}

/** Declares the suite. */
export function stateContract(test: TestFn, harnessOf: OpenStateHarness): void {
  const contract = (
    title: string,
    body: (t: ExecutionContext, harness: StateHarness) => Promise<void>,
  ): void => {
    test(`contract: ${title}`, async (t) => {
      await body(t, await harnessOf(t));
    });
  };

  contract('a first life has no predecessor and no snapshot', async (t, { open, world }) => {
    const state = await open();
    t.deepEqual(state.predecessors, []);
    t.is(await state.readSnapshot(), undefined);
    t.deepEqual(world.logger.lines, []);
    await state.close();
  });

  contract('a life knows those before it, the newest first', async (t, { open }) => {
    for (const [instance, earlier] of [
      ['a', []],
      ['b', ['a']],
      ['c', ['b', 'a']],
    ] as const) {
      const state = await open();
      t.deepEqual(state.predecessors, earlier);
      await state.begin(instance);
      t.deepEqual(state.predecessors, earlier, 'we are not our own predecessor');
      await state.close();
    }
  });

  contract('a life that did not begin leaves no trace', async (t, { open }) => {
    await (await open()).close();
    const state = await open();
    t.deepEqual(state.predecessors, []);
    await state.close();
  });

  contract('after many lives the last sixty-four are known', async (t, { open }) => {
    for (let life = 0; life < 70; life++) {
      const state = await open();
      await state.begin(`life-${life}`);
      await state.close();
    }
    const state = await open();
    t.is(state.predecessors.length, 64);
    t.is(state.predecessors[0], 'life-69');
    await state.close();
  });

  contract('an instance that is no short word is refused', async (t, { open }) => {
    const state = await open();
    for (const instance of ['', 'a b', 'a\nb', 'ä', 'x'.repeat(129)]) {
      await t.throwsAsync(state.begin(instance), { instanceOf: RangeError });
    }
    await state.close();
  });

  contract('a snapshot is what the next life reads', async (t, { open }) => {
    const written = snapshot({ clusterId: (1n << 64n) - 1n });
    const first = await open();
    await first.writeSnapshot(snapshot());
    await first.writeSnapshot(written);
    t.deepEqual(await first.readSnapshot(), written);
    await first.close();
    const second = await open();
    t.deepEqual(await second.readSnapshot(), written);
    await second.close();
  });

  contract('of snapshots written at once the newest wins, and each call settles', async (t, { open }) => {
    const state = await open();
    const calls = Array.from({ length: 20 }, (_, index) =>
      state.writeSnapshot(snapshot({ listRevision: BigInt(index) })),
    );
    await Promise.all(calls);
    t.is((await state.readSnapshot())?.listRevision, 19n);
    await state.close();
  });

  contract('closing waits for what is being written', async (t, { open }) => {
    const first = await open();
    const order: string[] = [];
    const writes = [1n, 2n, 3n].map(async (listRevision) => {
      await first.writeSnapshot(snapshot({ listRevision }));
      order.push('written');
    });
    await first.close();
    order.push('closed');
    await Promise.all(writes);
    t.deepEqual(order, ['written', 'written', 'written', 'closed']);
    const second = await open();
    t.is((await second.readSnapshot())?.listRevision, 3n);
    await second.close();
  });

  contract('a snapshot of another prefix is put aside', async (t, { open, world, raw }) => {
    const first = await open();
    await first.writeSnapshot(snapshot());
    await first.close();
    const bytes = await raw.snapshot();
    const second = await open('/elsewhere');
    t.is(await second.readSnapshot(), undefined);
    t.is(world.counters.get('stateUnreadable'), 1);
    t.like(world.logger.lines.at(-1), {
      level: 'warn',
      message: 'a file of the state folder cannot be used; put aside, and on without it',
      fields: { reason: `it is of the prefix ${PREFIX}, not of /elsewhere` },
    });
    t.is(await raw.snapshot(), undefined);
    t.deepEqual(await raw.bad(), bytes);
    await second.close();
  });

  contract(
    'a snapshot that is none is put aside, in place of an earlier one, and the next is fine',
    async (t, harness) => {
      const { open, world, raw } = harness;
      const state = await open();
      for (const [count, text] of ['', 'not JSON', '{"version":1}'].entries()) {
        await raw.put(Buffer.from(text));
        t.is(await state.readSnapshot(), undefined);
        t.is(world.counters.get('stateUnreadable'), count + 1);
        t.is(Buffer.from((await raw.bad()) ?? []).toString(), text);
        t.is(await state.readSnapshot(), undefined);
        t.is(world.counters.get('stateUnreadable'), count + 1, 'it is gone');
      }
      await state.writeSnapshot(snapshot());
      t.deepEqual(await state.readSnapshot(), snapshot());
      await state.close();
    },
  );

  contract('what has been closed refuses, and closing again does nothing', async (t, { open }) => {
    const state = await open();
    await state.close();
    await state.close();
    await rejectsWithState(t, state.begin('a'), 'closed');
    await rejectsWithState(t, state.readSnapshot(), 'closed');
    await rejectsWithState(t, state.writeSnapshot(snapshot()), 'closed');
  });

  contract(
    'a folder that is held is waited for, for five seconds, and then named',
    async (t, { open, world }) => {
      const first = await open();
      const begun = world.clock.monotonic();
      const opening = open();
      await world.settle(opening);
      const waited = world.clock.monotonic() - begun;
      t.true(waited >= 5_000 && waited < 5_200, `${waited} ms`);
      const error = await rejectsWithState(t, opening, 'locked');
      t.true(error.message.includes(first.folder));
      t.regex(error.message, /process \d+/);
      await first.close();
    },
  );

  contract('a predecessor that is ending is waited for', async (t, { open, world }) => {
    const first = await open();
    await first.begin('a');
    const opening = open();
    await world.clock.advance(1_000);
    await first.close();
    const outcome = await world.settle(opening);
    t.is(outcome.status, 'fulfilled');
    const second = (outcome as PromiseFulfilledResult<NodeState>).value;
    t.true(world.clock.monotonic() < 3_000);
    await second.close();
    t.is(world.clock.pending, 0);
  });
}
