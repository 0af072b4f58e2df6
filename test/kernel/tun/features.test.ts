// The names of the engine's features and counters: the same in C, in TypeScript and in the docs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { DATAPLANE_FEATURES, parseFeatures } from '../../../src/kernel/tun/features.js';
import { dataplaneNames } from '../../../src/native.js';
import { packageRoot } from '../../helpers/package-root.js';

test('the list of features is the addon’s, in its order', (t) => {
  t.deepEqual([...DATAPLANE_FEATURES], Object.keys(dataplaneNames().features));
});

test('every feature and every counter stands in docs/udp.md with its meaning', (t) => {
  const docs = readFileSync(join(packageRoot(), 'docs/udp.md'), 'utf8');
  const { counters, features } = dataplaneNames();
  for (const [name, text] of Object.entries({ ...counters, ...features }))
    t.true(docs.includes(`| \`${name}\` | ${text} |`), `${name}: ${text}`);
});

test('features are named with commas between, or all at once, and nothing else', (t) => {
  t.deepEqual(parseFeatures(''), []);
  t.deepEqual(parseFeatures('mmsg, tso'), ['tso', 'mmsg']);
  t.is(parseFeatures('all'), DATAPLANE_FEATURES);
  for (const wrong of ['gso', 'tso,', 'all,tso', 'TSO', ' ']) t.is(parseFeatures(wrong), undefined, wrong);
});
