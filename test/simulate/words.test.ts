// The words of a step: what is written can be read again, and nothing else.

import test from 'ava';
import fc from 'fast-check';
import { holds } from '../subnet/property.js';
import { KINDS } from './history.js';
import { parseStep, stepsOf } from './step.js';
import { milliseconds, sentence } from './words.js';
import { parseWorld, worlds, worldText } from './world.js';

test('every step and every world reads back from its text', (t) => {
  holds(
    t,
    fc.property(stepsOf(KINDS), (step) => parseStep(KINDS, String(step)).toString() === String(step)),
  );
  holds(
    t,
    fc.property(worlds, (world) => worldText(parseWorld(worldText(world))) === worldText(world)),
  );
  t.throws(() => parseStep(KINDS, 'suspend host1 for ever'), { message: /no step/ });
  t.throws(() => parseWorld('a world'), { message: /no world/ });
});

test('every kind of step is drawn', (t) => {
  const drawn = new Set(
    fc
      .sample(stepsOf(KINDS), { seed: 1, numRuns: 2_000 })
      .map((step) => String(step).replace(/host\d/g, 'host')),
  );
  for (const { words } of KINDS) {
    const form = sentence(words.replaceAll('{host}', 'host'));
    t.true(
      [...drawn].some((text) => form.read(text) !== undefined),
      words,
    );
  }
});

test('times are in milliseconds', (t) => {
  t.deepEqual(['20ms', '1s', '-2d', '26h'].map(milliseconds), [20, 1_000, -172_800_000, 93_600_000]);
  t.throws(() => milliseconds('soon'));
});

test('a place that nobody knows is an error', (t) => {
  t.throws(() => sentence('eat {cake}'), { message: /\{cake\}/ });
});
