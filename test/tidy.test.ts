// The rules of the house that a machine can check: headers, sizes, who may end the process, docs that keep up.
// Import directions are dependency-cruiser's (.dependency-cruiser.cjs).

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import test from 'ava';
import { COUNTERS } from '../src/counters.js';
import { FLAG_NAMES } from '../src/flanneld/flags.js';
import { HEALTH_REASONS } from '../src/health/reasons.js';

const ROOT = new URL('../../', import.meta.url).pathname;
const HARD_LIMIT = 400;
const SOFT_LIMIT = 300;
/** Files between the two limits: each is one subject that does not fall apart. */
const LONG_FILES: readonly string[] = ['native/src/netlink/netlink_socket.c'];
const GENERATED = /^src\/etcd\/generated\//;

function files(folder: string, ending: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && ending.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((path) => !GENERATED.test(path) && !path.includes('/build/'));
}
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const SOURCES = [
  ...files('src', /\.ts$/),
  ...files('native/src', /\.[ch]$/),
  ...files('bench', /\.(ts|[ch])$/),
];
const TESTS = [
  ...files('test', /\.(ts|[ch])$/),
  ...files('native/test', /\.[ch]$/),
  ...files('native/fuzz', /\.[ch]$/),
];

test('every file opens with one to five lines on what it owns', (t) => {
  for (const path of [...SOURCES, ...TESTS]) {
    const lines = read(path).split('\n');
    const header = lines.slice(
      0,
      lines.findIndex((line) => !/^(\/\/|\/?\*|\s\*)/.test(line)),
    );
    const words = header.filter((line) => /[a-z]/.test(line));
    t.true(words.length >= 1, `${path} has no header`);
  }
});

test('files stay small', (t) => {
  for (const path of [...SOURCES, ...TESTS]) {
    const count = read(path).split('\n').length;
    t.true(count <= HARD_LIMIT, `${path} has ${count} lines`);
    if (SOURCES.includes(path) && !LONG_FILES.includes(path))
      t.true(count <= SOFT_LIMIT, `${path} has ${count} lines`);
  }
});

test('only the process edge ends the process, and nothing prints beside it', (t) => {
  for (const path of files('src', /\.ts$/).filter(
    (file) => !/^src\/(flanneld\/(main|compose)|start\/make-code-cache|cni\/main|lab\/)/.test(file),
  )) {
    t.notRegex(read(path), /process\.exit|console\.|process\.std(out|err)\.write/, path);
  }
});

test('time and chance are injected', (t) => {
  for (const path of files('src', /\.ts$/).filter(
    (file) => !/^src\/(clock\.ts|lab\/|flanneld\/compose\.ts)/.test(file),
  )) {
    t.notRegex(read(path), /Date\.now\(|Math\.random\(|(?<!\.)\bset(Timeout|Interval)\(/, path);
  }
});

test('the C prints nothing, ends nothing, and speaks Node-API in one folder', (t) => {
  for (const path of files('native/src', /\.[ch]$/)) {
    const text = read(path);
    t.notRegex(text, /#include <stdio\.h>|\bexit\(|\bprintf\(/, path);
    if (!path.startsWith('native/src/addon/')) t.notRegex(text, /node_api\.h/, path);
  }
});

test('every flag, counter and error code stands in the docs', (t) => {
  const docs = files('docs', /\.md$/).map(read).join('\n');
  for (const name of FLAG_NAMES) t.true(docs.includes(`\`-${name}\``), `flag -${name}`);
  for (const name of Object.keys(COUNTERS)) t.true(docs.includes(`\`${name}\``), `counter ${name}`);
  for (const path of files('src', /errors\.ts$/).filter((file) => !file.startsWith('src/lab/'))) {
    for (const [, codes] of read(path).matchAll(/Code =([^;]+);/g)) {
      for (const [, code] of (codes ?? '').matchAll(/'([A-Za-z_-]+)'/g))
        t.true(docs.includes(`\`${code ?? ''}\``), `${path}: ${code ?? ''}`);
    }
  }
});

test('the reasons of health are in the docs as they are in the code, and no others', (t) => {
  const [, section = ''] = read('docs/health.md').split('## Reasons\n');
  const rows = [...section.matchAll(/^\| `([a-z-]+)` \| ([a-z ]+).* \| (.+) \|$/gm)];
  t.deepEqual(
    rows.map(([, code, level, meaning]) => [code, level, meaning]),
    Object.entries(HEALTH_REASONS).map(([code, row]) => [code, row.level.replace('-', ' '), row.meaning]),
  );
});

test('every unit test has the source it is about', (t) => {
  const sources = new Set(SOURCES.map((path) => path.replace(/^src\//, '').replace(/\.ts$/, '')));
  const folders = new Set([...sources].map((path) => path.replace(/\/[^/]+$/, '')));
  for (const path of TESTS.filter((file) =>
    /^test\/(subnet|etcd|kernel|backends|flanneld|health|lab|state|cni|commands)\/.*\.test\.ts$/.test(file),
  )) {
    const name = path.replace(/^test\//, '').replace(/(\.(netns|etcd|contract))*\.test\.ts$/, '');
    t.true(sources.has(name) || folders.has(name.replace(/\/[^/]+$/, '')), `${path} mirrors nothing`);
  }
});
