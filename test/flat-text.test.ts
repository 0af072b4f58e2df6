// One plain string of the parts, as a template would make it. What it saves is measured by bench/resident.

import test from 'ava';
import { flatText } from '../src/flat-text.js';

test('it is what a template would be', (t) => {
  t.is(flatText('flannel.1', ' ', '10.5.1.0'), 'flannel.1 10.5.1.0');
  t.is(flatText('10.5.1.0/24', ' ', 0), '10.5.1.0/24 0');
  t.is(flatText(), '');
});
