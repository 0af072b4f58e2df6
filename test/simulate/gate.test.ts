// What a daemon hears: nothing while its host sleeps, and nothing after its death.

import test from 'ava';
import { FakeClock } from '../fakes/fake-clock.js';
import { Gate } from './gate.js';
import { HostClock } from './host-clock.js';

class World {
  readonly #answers: (() => void)[] = [];
  readonly inner = { ask: (): Promise<string> => Promise.resolve('inner') };
  #listener: ((text: string) => void) | undefined;

  ask(question: string): Promise<string> {
    return new Promise((resolve) =>
      this.#answers.push(() => {
        resolve(`${question}!`);
      }),
    );
  }

  refuse(): Promise<never> {
    return Promise.reject(new Error('no'));
  }

  watch(handlers: { heard: (text: string) => void }): () => string {
    this.#listener = handlers.heard;
    return () => 'stopped';
  }

  answer(): void {
    for (const give of this.#answers.splice(0)) give();
  }

  tell(text: string): void {
    this.#listener?.(text);
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const setUp = () => {
  const clock = new HostClock(new FakeClock(), 0);
  const [gate, world, heard] = [new Gate(clock), new World(), [] as string[]];
  const overheard: unknown[] = [];
  const seen = gate.through(world, (...told) => overheard.push(told));
  void seen.ask('what').then((answer) => heard.push(answer));
  seen.watch({ heard: (text) => heard.push(text) });
  return { clock, gate, world, seen, heard, overheard };
};

test('answers, refusals and callbacks come through while the daemon lives', async (t) => {
  const { world, seen, heard, overheard } = setUp();
  world.answer();
  world.tell('news');
  await turn();
  t.deepEqual(heard.sort(), ['news', 'what!']);
  t.deepEqual(overheard, [['ask', ['what'], 'what!', 0]]);
  await t.throwsAsync(seen.refuse(), { message: 'no' });
  t.is(await seen.inner.ask(), 'inner');
  t.is(seen.watch({ heard: () => undefined })(), 'stopped');
});

test('a sleeping host hears when it wakes up', async (t) => {
  const { clock, world, heard } = setUp();
  clock.suspend();
  world.answer();
  world.tell('news');
  await turn();
  t.deepEqual(heard, []);
  clock.wake();
  await turn();
  t.deepEqual(heard.sort(), ['news', 'what!']);
});

test('the dead hear nothing and reach nobody', async (t) => {
  const { gate, world, seen, heard, overheard } = setUp();
  gate.close();
  world.answer();
  world.tell('news');
  let answered = false;
  void seen.inner.ask().then(() => (answered = true));
  await turn();
  t.deepEqual([heard, overheard, answered], [[], [], false]);
});
