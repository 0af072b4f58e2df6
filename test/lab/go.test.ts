// Building with Go: which Go there is, and that half-made programs never stand where whole ones are looked for.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';

import { buildEtcd, ETCD_VERSIONS } from '../../src/lab/etcd-builds.js';
import { buildWithGo, cachePath, parseGoVersion } from '../../src/lab/go.js';

/** A folder with a program called go that says it is 1.26 and otherwise does what the script says. */
function fakeGo(t: ExecutionContext, script: string): { env: Record<string, string>; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'flanneld-go-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const text = `#!/bin/sh\n[ "$1" = version ] && { echo go version go1.26.3 linux/amd64; exit 0; }\n${script}\n`;
  writeFileSync(join(folder, 'go'), text, { mode: 0o755 });
  return { env: { PATH: `${folder}:/usr/bin:/bin`, XDG_CACHE_HOME: folder }, folder };
}

test('the version of Go is read', (t) => {
  t.deepEqual(parseGoVersion('go version go1.26.3 linux/amd64'), [1, 26]);
  t.is(parseGoVersion('go: command not found'), undefined);
});

test('an etcd is built once, from a program of a few lines', (t) => {
  const { env, folder } = fakeGo(
    t,
    'echo "$@" >> ../calls; [ "$1" = build ] && cp main.go etcd && chmod 755 etcd; exit 0',
  );
  const said: string[] = [];
  const path = buildEtcd(ETCD_VERSIONS[0], env, (text) => said.push(text));
  t.is(path, join(folder, 'flanneld/etcd', ETCD_VERSIONS[0], 'etcd'));
  t.is(
    buildEtcd(ETCD_VERSIONS[0], env, (text) => said.push(text)),
    path,
  );
  t.is(said.length, 1);
  t.regex(readFileSync(path, 'utf8'), /etcdmain\.Main\(os\.Args\)/);
  t.is(
    readFileSync(join(path, '../calls'), 'utf8'),
    `mod init etcd\nget go.etcd.io/etcd/server/v3@${ETCD_VERSIONS[0]}\nbuild -trimpath -ldflags -s -w -o etcd .\n`,
  );
});

test('a build that fails says what Go said, and leaves nothing', (t) => {
  const { env, folder } = fakeGo(t, 'touch program; echo no such module >&2; exit 1');
  const path = cachePath(env, 'program');
  const build = (): void => {
    buildWithGo(env, 'a program', path, (go) => {
      go('build');
      return 'program';
    });
  };
  t.throws(build, { code: 'COMMAND_FAILED', message: 'go build failed: no such module' });
  t.false(existsSync(path));
  t.deepEqual(readdirSync(join(folder, 'flanneld')), []);
});
