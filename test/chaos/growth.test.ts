// Growth is seen over the noise of a process that has warmed up, and not in one too young to say.

import test from 'ava';
import { judgeGrowth, type Sample } from './growth.js';

/** Ten minutes, a sample every 2 s. */
function life(
  rssKb: (minute: number) => number,
  handles: (minute: number) => number,
  minutes = 10,
): Sample[] {
  return Array.from({ length: minutes * 30 }, (_, index) => {
    const minute = index / 30;
    return { at: index * 2000, rssKb: rssKb(minute), handles: handles(minute) };
  });
}

test('a process that warms up and then swings does not grow', (t) => {
  const swinging = life(
    (minute) => 60_000 + Math.min(minute, 1) * 20_000 + Math.sin(minute * 9) * 8000,
    (minute) => 26 + (Math.floor(minute) % 2) * 3,
  );
  t.deepEqual(judgeGrowth(swinging)?.grown, []);
});

test('memory and handles that leak are seen', (t) => {
  t.regex(
    judgeGrowth(
      life(
        (minute) => 60_000 + minute * 8000,
        () => 26,
      ),
    )?.grown.join() ?? '',
    /memory/,
  );
  t.regex(
    judgeGrowth(
      life(
        () => 60_000,
        (minute) => 26 + minute * 2,
      ),
    )?.grown.join() ?? '',
    /handles/,
  );
});

test('a short life says nothing', (t) => {
  t.is(
    judgeGrowth(
      life(
        () => 60_000,
        () => 26,
        2,
      ),
    ),
    undefined,
  );
  t.is(judgeGrowth([]), undefined);
});
