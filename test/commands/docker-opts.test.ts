// `flanneld docker-opts` writes what mk-docker-opts.sh of upstream writes, and refuses what the script would have run.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { dockerOptions } from '../../src/commands/docker-options.js';
import { CommandError } from '../../src/commands/errors.js';
import { runCommand } from '../../src/commands/index.js';
import { tempFolder } from '../helpers/temp-folder.js';
import { holds } from '../subnet/property.js';

const ENV =
  'FLANNEL_NETWORK=10.1.0.0/16\nFLANNEL_SUBNET=10.1.74.1/24\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=false\n';
const BIP = 'DOCKER_OPT_BIP="--bip=10.1.74.1/24"\n';
const MASQ = 'DOCKER_OPT_IPMASQ="--ip-masq=true"\n';
const MTU = 'DOCKER_OPT_MTU="--mtu=1472"\n';
const ALL = '" --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n';

async function run(
  words: readonly string[],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string; err: string }> {
  const [out, err]: [string[], string[]] = [[], []];
  const io = { out: (text: string) => out.push(text), err: (text: string) => err.push(text), env };
  const code = await runCommand(['docker-opts', ...words], io);
  return { code, out: out.join(''), err: err.join('') };
}

/** The five of upstream's own test, and letters written together. */
const GOLDEN: readonly (readonly [readonly string[], string])[] = [
  [[], `${BIP}${MASQ}${MTU}DOCKER_OPTS=${ALL}`],
  [['-i'], `${BIP}${MASQ}${MTU}`],
  [['-c'], `DOCKER_OPTS=${ALL}`],
  [['-k', 'NEWKEY'], `${BIP}${MASQ}${MTU}NEWKEY=${ALL}`],
  [['-m'], `${BIP}${MTU}DOCKER_OPTS=" --bip=10.1.74.1/24 --mtu=1472"\n`],
  [['-icm'], `${BIP}${MTU}DOCKER_OPTS=" --bip=10.1.74.1/24 --mtu=1472"\n`],
  [['-ckDOCKER_NETWORK_OPTIONS'], `DOCKER_NETWORK_OPTIONS=${ALL}`],
];
for (const [words, expected] of GOLDEN) {
  test(`docker-opts ${words.join(' ')}: what the script writes`, async (t) => {
    const folder = await tempFolder(t);
    const [source, target] = [join(folder, 'subnet.env'), join(folder, 'docker.env')];
    writeFileSync(source, ENV);
    t.like(await run(['-f', source, `-d${target}`, ...words]), { code: 0, out: '', err: '' });
    t.is(readFileSync(target, 'utf8'), expected);
    t.is((await run(['-f', source, '-d', '-', ...words])).out, expected);
  });
}

test('--json prints what was written, and where', async (t) => {
  const folder = await tempFolder(t);
  const [source, target] = [join(folder, 'subnet.env'), join(folder, 'docker.env')];
  writeFileSync(source, ENV);
  const { out } = await run(['-f', source, '-d', target, '-c', '--json']);
  t.deepEqual(JSON.parse(out), { file: target, text: `DOCKER_OPTS=${ALL}` });
  t.is(readFileSync(target, 'utf8'), `DOCKER_OPTS=${ALL}`);
  const printed = await run(['-f', source, '-d', '-', '-c', '--json']);
  t.deepEqual(JSON.parse(printed.out), { text: `DOCKER_OPTS=${ALL}` });
});

const FLAGS = { individual: true, combined: true, key: 'DOCKER_OPTS', withoutMasq: false };

test('dockerd masquerades when flanneld does not, and the other way round', (t) => {
  t.regex(dockerOptions(ENV.replace('=false', '=true'), 'f', {}, FLAGS).text, /--ip-masq=false/);
});

test('what the environment has already is added to', (t) => {
  const env = { DOCKER_OPTS: '-H unix:///x', DOCKER_OPT_A: '--a', HOME: '/root' };
  t.is(
    dockerOptions(ENV, 'f', env, FLAGS).text,
    `DOCKER_OPT_A="--a"\n${BIP}${MASQ}${MTU}DOCKER_OPTS="-H unix:///x  --a --bip=10.1.74.1/24 --ip-masq=true --mtu=1472"\n`,
  );
});

test('quotes, comments and `export`, which the script’s shell understands', (t) => {
  const text = 'export FLANNEL_SUBNET="10.1.74.1/24" # ours\nFLANNEL_MTU=\'1472\'\n# FLANNEL_IPMASQ=true\n';
  t.is(dockerOptions(text, 'f', {}, { ...FLAGS, combined: false }).text, `${BIP}${MTU}`);
});

for (const [what, text, message] of [
  [
    'a command in the subnet',
    ENV.replace('10.1.74.1/24', '$(touch /tmp/x)'),
    /Invalid value of FLANNEL_SUBNET/,
  ],
  ['an MTU with a quote', ENV.replace('1472', '1472";id'), /Invalid value of FLANNEL_MTU/],
  ['masquerading that is neither', ENV.replace('false', 'maybe'), /^Invalid value of FLANNEL_IPMASQ: maybe/],
  ['nothing in it', 'x=y\n', /neither FLANNEL_SUBNET nor FLANNEL_MTU/],
] as const) {
  test(`an env file with ${what} is refused`, (t) => {
    t.throws(() => dockerOptions(text, 'f', {}, FLAGS), { instanceOf: CommandError, message });
  });
}

test('no text of an env file writes more than variables of one line each', (t) => {
  const line = fc
    .tuple(fc.constantFrom('FLANNEL_SUBNET', 'FLANNEL_MTU', 'FLANNEL_IPMASQ'), fc.string())
    .map((pair) => pair.join('='));
  holds(
    t,
    fc.property(fc.array(line), (lines) => {
      try {
        const { text } = dockerOptions(ENV + lines.join('\n'), 'f', {}, FLAGS);
        t.regex(text, /^(\w+="[^"`$\\\n]*"\n)+$/);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
});

test('a missing file is a failure, and nothing is written', async (t) => {
  const folder = await tempFolder(t);
  const { code, err } = await run(['-f', join(folder, 'no'), '-d', join(folder, 'out')]);
  t.is(code, 1);
  t.regex(err, /^flanneld: cannot read .*no; flanneld writes it when it is ready: ENOENT\n$/);
});

for (const words of [['-x'], ['x'], ['-f'], ['-f', 'a', '-f', 'b'], ['-k', 'a-b'], ['-k', 'a=b;c']]) {
  test(`docker-opts ${words.join(' ')} is a wrong command line: 2`, async (t) => {
    const { code, out, err } = await run(words);
    t.is(code, 2);
    t.is(out, '');
    t.regex(err, /^flanneld: [^\n]+\n$/);
  });
}

test('--help tells the options', async (t) => {
  for (const word of ['--help', '-h', '-help']) {
    const { code, out } = await run([word]);
    t.is(code, 0);
    t.regex(out, /-k +name of that variable/);
  }
});
