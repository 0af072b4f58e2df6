// The container file: read as the builder reads it, and every path that it copies is there, or is made by what it runs. Nothing is
// built: that needs a builder and a registry of images.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { packageRoot } from '../helpers/package-root.js';

const ROOT = packageRoot();
const FILE = readFileSync(join(ROOT, 'packaging/container/Containerfile'), 'utf8');

interface Instruction {
  readonly name: string;
  readonly words: readonly string[];
}

/** Lines put together, comments left out. */
function instructions(): Instruction[] {
  const text = FILE.replace(/^#.*\n/gm, '').replace(/\\\n/g, ' ');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...words] = line.trim().split(/\s+/);
      return { name, words };
    });
}

const ALL = instructions();
const named = (name: string): readonly (readonly string[])[] =>
  ALL.filter((one) => one.name === name).map(({ words }) => words);

test('it has two stages on one base, and starts the launcher', (t) => {
  t.deepEqual([...new Set(ALL.map(({ name }) => name))].sort(), [
    'COPY',
    'ENTRYPOINT',
    'FROM',
    'RUN',
    'WORKDIR',
  ]);
  const [build, final] = named('FROM');
  t.is(build?.[0], final?.[0]);
  t.regex(build?.[0] ?? '', /node:\d+-\w+-slim$/);
  t.deepEqual(build?.slice(1), ['AS', 'build']);
  t.deepEqual(named('ENTRYPOINT'), [['["/usr/sbin/flanneld"]']]);
});

test('what it copies from the checkout is there; what from the build, is where the build puts it', (t) => {
  for (const words of named('COPY')) {
    const [option = '', ...rest] = words;
    const fromBuild = option === '--from=build';
    const sources = (fromBuild ? rest : words).slice(0, -1);
    for (const source of sources) {
      const path = fromBuild ? source.replace(/^\/src\//, '') : source;
      t.true(existsSync(join(ROOT, path)), path);
    }
  }
});

test('the build has all the folders that the compiler and the scripts read', (t) => {
  const copied = named('COPY').flatMap((words) => words.slice(0, -1));
  const config = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')) as { include: string[] };
  for (const folder of config.include.map((path) => path.replace(/\/.*/, '')))
    t.true(copied.includes(folder), folder);
  t.true(copied.includes('native'));
});

test('its launcher is the package’s, with the image’s node, and may be run', (t) => {
  const [image, debian] = ['packaging/container/flanneld', 'packaging/launcher'].map((path) =>
    readFileSync(join(ROOT, path), 'utf8'),
  );
  t.is(image?.replace('/usr/local/bin/node', '/usr/bin/node'), debian);
  t.is(statSync(join(ROOT, 'packaging/container/flanneld')).mode & 0o111, 0o111);
});
