// `flanneld cni install`: a plugin that runs without PATH and whatever NODE_OPTIONS says, nobody else's overwritten, one config.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { isNewEnough, launcherOf } from '../../src/commands/cni-launcher.js';
import { runCommand } from '../../src/commands/index.js';
import { installPlugin } from '../helpers/cni-plugin.js';
import { tempFolder } from '../helpers/temp-folder.js';

interface Place {
  readonly folder: string;
  readonly bin: string;
  readonly conf: string;
  readonly install: (...words: readonly string[]) => Promise<{ code: number; out: string; err: string }>;
}

async function place(t: ExecutionContext): Promise<Place> {
  const folder = await tempFolder(t);
  const [bin, conf] = [join(folder, 'bin'), join(folder, 'net.d')];
  // Where the bundle is missing, this makes it.
  mkdirSync(join(folder, 'other'));
  await installPlugin(join(folder, 'other'));
  return {
    folder,
    bin,
    conf,
    install: async (...words) => {
      const [out, err]: [string[], string[]] = [[], []];
      const io = { out: (text: string) => out.push(text), err: (text: string) => err.push(text), env: {} };
      const code = await runCommand(['cni', 'install', '--bin-dir', bin, '--conf-dir', conf, ...words], io);
      return { code, out: out.join(''), err: err.join('') };
    },
  };
}

function versionOf(path: string, env: Record<string, string> = {}): unknown {
  const { stdout } = spawnSync(path, [], {
    env: { CNI_COMMAND: 'VERSION', ...env },
    input: '{}',
    encoding: 'utf8',
  });
  return (JSON.parse(stdout) as { cniVersion: string }).cniVersion;
}

test('the plugin and a config are there, and the plugin runs, whatever the environment', async (t) => {
  const { bin, conf, install } = await place(t);
  const { code, out, err } = await install();
  t.deepEqual([code, out, err], [0, `installed ${bin}/flannel\nwrote ${conf}/10-flannel.conflist\n`, '']);
  t.is(statSync(join(bin, 'flannel')).mode & 0o777, 0o755);
  t.is(versionOf(join(bin, 'flannel')), '1.1.0');
  t.is(versionOf(join(bin, 'flannel'), { NODE_OPTIONS: '--nonsense', PATH: '/nowhere' }), '1.1.0');
  t.deepEqual(readdirSync(bin), ['flannel']);
  t.deepEqual(JSON.parse(readFileSync(join(conf, '10-flannel.conflist'), 'utf8')), {
    cniVersion: '1.0.0',
    name: 'cbr0',
    plugins: [
      { type: 'flannel', delegate: { hairpinMode: true, isDefaultGateway: true } },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  });
});

test('again: the plugin is replaced, the config stays as somebody has made it', async (t) => {
  const { bin, conf, install } = await place(t);
  await install();
  const config = join(conf, '10-flannel.conflist');
  writeFileSync(config, readFileSync(config, 'utf8').replace('cbr0', 'mine'));
  const { code, out } = await install('--name', 'other');
  t.is(code, 0);
  t.regex(out, /^installed .*\nkept .*10-flannel\.conflist, which is for this plugin\n$/);
  t.regex(readFileSync(config, 'utf8'), /"mine"/);
  t.deepEqual(readdirSync(bin), ['flannel']);
});

test('a plugin of somebody else stays; with --force it is kept beside ours', async (t) => {
  const { bin, install } = await place(t);
  mkdirSync(bin);
  writeFileSync(join(bin, 'flannel'), 'upstream', { mode: 0o755 });
  const refused = await install();
  t.is(refused.code, 1);
  t.regex(refused.err, /is a plugin of somebody else and stays; --force replaces it/);
  t.is(readFileSync(join(bin, 'flannel'), 'utf8'), 'upstream');
  const { code, out } = await install('--force');
  t.is(code, 0);
  t.regex(out, /^kept the former .*\/flannel as .*\/flannel\.replaced\n/);
  t.is(readFileSync(join(bin, 'flannel.replaced'), 'utf8'), 'upstream');
  t.is(versionOf(join(bin, 'flannel')), '1.1.0');
});

test('--json tells at the end what was done, and nothing else', async (t) => {
  const { bin, conf, install } = await place(t);
  mkdirSync(bin);
  writeFileSync(join(bin, 'flannel'), 'upstream', { mode: 0o755 });
  const done = { plugin: join(bin, 'flannel'), config: join(conf, '10-flannel.conflist') };
  const first = await install('--json', '--force');
  t.deepEqual(JSON.parse(first.out), {
    ...done,
    former: join(bin, 'flannel.replaced'),
    written: true,
  });
  t.deepEqual(JSON.parse((await install('--json')).out), { ...done, written: false });
  const refused = await install('--json', '--node', '/nowhere');
  t.deepEqual([refused.code, refused.out], [1, '']);
});

test('a network of the daemon by name, and a config that comes before ours', async (t) => {
  const { conf, install } = await place(t);
  mkdirSync(conf);
  writeFileSync(join(conf, '05-cilium.conflist'), '{"type":"cilium"}');
  const { err } = await install('--name', 'pods', '--network', 'blue');
  t.regex(err, /05-cilium\.conflist comes first in the alphabet/);
  const text = readFileSync(join(conf, '10-flannel.conflist'), 'utf8');
  const { name, plugins } = JSON.parse(text) as { name: string; plugins: { network?: string }[] };
  t.deepEqual([name, plugins[0]?.network], ['pods', 'blue']);
});

test('a node that cannot do it is refused, and nothing is installed', async (t) => {
  const { folder, bin, install } = await place(t);
  const old = join(folder, 'old node');
  writeFileSync(old, '#!/bin/sh\necho v18.20.1\n');
  chmodSync(old, 0o755);
  const broken = join(folder, 'broken');
  writeFileSync(broken, '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  for (const [node, message] of [
    [old, /v18\.20\.1 is too old, 20\.19 or newer is needed/],
    [broken, /it does not run/],
    ['node', /not an absolute path/],
    ['/nowhere/node', /there is no such program/],
    [`/a'; id; '/node`, /not an absolute path without quotes/],
  ] as const) {
    const { code, err } = await install('--node', node);
    t.is(code, 1);
    t.regex(err, message);
  }
  t.throws(() => statSync(bin));
});

test('a plugin that does not run where it is to be is not put there', async (t) => {
  const { folder, bin, install } = await place(t);
  const liar = join(folder, 'liar');
  writeFileSync(liar, '#!/bin/sh\necho v22.0.0\n', { mode: 0o755 });
  const { code, err } = await install('--node', liar);
  t.is(code, 1);
  t.regex(err, /the plugin does not run from .*: v22\.0\.0/);
  t.deepEqual(readdirSync(bin), []);
});

for (const words of [['--name', '../x'], ['--network', 'a b'], ['--bin-dir'], ['stray'], ['--wrong']]) {
  test(`cni install ${words.join(' ')} is a wrong command line: 2`, async (t) => {
    const { install } = await place(t);
    const { code, err } = await install(...words);
    t.is(code, 2);
    t.regex(err, /^flanneld: [^\n]+\n$/);
  });
}

test('the launcher is a script of sh and of JavaScript, with the node in quotes', (t) => {
  const text = launcherOf('/opt/my node/bin/node', 'BUNDLE');
  t.is(
    text,
    `#!/bin/sh\n':' //; unset NODE_OPTIONS NODE_EXTRA_CA_CERTS; exec '/opt/my node/bin/node' "$0" "$@"\nBUNDLE`,
  );
  for (const node of ['node', `/a'b`, '/a\nb'])
    t.throws(() => launcherOf(node, ''), { instanceOf: RangeError });
});

test('20.19 is new enough, 20.18 is not', (t) => {
  for (const version of ['v20.19.0', 'v20.20.2\n', 'v22.0.0', 'v100.1.1'])
    t.true(isNewEnough(version), version);
  for (const version of ['v20.18.9', 'v18.99.0', '', 'node', '20.19.0'])
    t.false(isNewEnough(version), version);
});
