// How a command line finds its row, and what it says when it does not: with a table of this test's own.

import test from 'ava';
import { ApiError } from '../../src/api/errors.js';
import type { CommandArguments, CommandRow } from '../../src/commands/command.js';
import { CommandError } from '../../src/commands/errors.js';
import { flag, text } from '../../src/commands/options.js';
import { helpOf, runOf } from '../../src/commands/run.js';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly args: CommandArguments;
}

/** Runs argv on a table whose commands do nothing but keep what they were given. */
async function run(...argv: readonly string[]): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  let args: CommandArguments = {};
  const keep = (given: CommandArguments): Promise<number> => {
    args = given;
    return Promise.resolve(4);
  };
  const code = await runOf(table(keep), argv, {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    env: {},
  });
  return { code, out: out.join(''), err: err.join(''), args };
}

function table(keep: CommandRow['run']): readonly CommandRow[] {
  const options: CommandRow['options'] = (parser) =>
    parser.options({ json: flag('JSON'), from: text('where') });
  return [
    { name: 'leases', describe: 'all of them', options, run: keep },
    {
      name: 'leases reserve',
      describe: 'keep one',
      options,
      positionals: [{ name: 'SUBNET', describe: 'which' }],
      run: keep,
    },
    {
      name: 'networks add',
      describe: 'another',
      options,
      positionals: [
        { name: 'NAME', describe: 'its name' },
        { name: 'FILE', describe: 'its config', optional: true },
      ],
      run: keep,
    },
    {
      name: 'networks validate',
      describe: 'look',
      options,
      positionals: [{ name: 'FILE', describe: 'which', several: true }],
      run: keep,
    },
    {
      name: 'fails',
      describe: 'fails',
      options,
      run: () => Promise.reject(new CommandError('command-failed', 'no')),
    },
    {
      name: 'asks',
      describe: 'asks',
      options,
      run: () => Promise.reject(new ApiError('no-daemon', 'nobody')),
    },
  ];
}

for (const [words, args] of [
  ['leases --json', { json: true }],
  ['leases reserve 10.5.9.0/24 --from x', { SUBNET: '10.5.9.0/24', from: 'x', json: false }],
  ['leases reserve --json 007', { SUBNET: '007', json: true }],
  ['networks add blue', { NAME: 'blue', FILE: undefined }],
  ['networks add blue net.json', { NAME: 'blue', FILE: 'net.json' }],
  ['networks add blue -', { NAME: 'blue', FILE: '-' }],
  ['networks validate a b c', { FILE: ['a', 'b', 'c'] }],
  ['networks validate -- --json', { FILE: ['--json'], json: false }],
] as const) {
  test(`flanneld ${words} is understood`, async (t) => {
    const { code, err, args: given } = await run(...words.split(' '));
    t.deepEqual([code, err], [4, '']);
    t.like(given, args);
  });
}

for (const [words, message] of [
  ['leases reserve', 'SUBNET is missing; see flanneld leases reserve --help'],
  ['leases reserve a b', 'unexpected argument "b"; see flanneld leases reserve --help'],
  ['leases stray', 'unexpected argument "stray"; see flanneld leases --help'],
  ['leases --jsn', 'Unknown argument: jsn; see flanneld leases --help'],
  ['leases --from a --from b', 'from was given twice; see flanneld leases --help'],
  ['leases --from', 'Not enough arguments following: from; see flanneld leases --help'],
  ['networks validate', 'FILE is missing; see flanneld networks validate --help'],
  ['networks', 'unknown command "networks"; there is networks add, networks validate'],
  ['networks ad', 'unknown command "networks ad"; did you mean networks add?'],
  ['networks --json', 'unknown command "networks"; there is networks add, networks validate'],
  ['lease', 'unknown command "lease"; did you mean leases?'],
  ['network', 'unknown command "network"; did you mean networks?'],
  ['help networks nothing', 'unknown command "networks nothing"; there is networks add, networks validate'],
  ['xyzzy --help', 'unknown command "xyzzy"; see flanneld -help'],
] as const) {
  test(`flanneld ${words} is a wrong command line, in one line`, async (t) => {
    const { code, out, err } = await run(...words.split(' '));
    t.deepEqual([code, out, err], [2, '', `flanneld: ${message}\n`]);
  });
}

test('a word of any length and any letters is quoted, cut, and suggests nothing', async (t) => {
  const { code, err } = await run(`\u001b[31m${'x'.repeat(100_000)}`);
  t.is(code, 2);
  t.true(err.length < 200);
  t.false(err.includes('\u001b'));
});

test('help lists all, a group, or tells one command with its arguments', async (t) => {
  t.is((await run('help')).out, helpOf(table(() => Promise.resolve(0))));
  t.regex((await run('help')).out, /flanneld networks add NAME \[FILE\] +another\n/);
  const group = (await run('networks', '--help')).out;
  t.true(group.includes('networks validate FILE…') && !group.includes('leases'));
  const one = await run('help', 'networks', 'add');
  t.is(one.out, (await run('networks', 'add', '--help')).out);
  t.is(one.code, 0);
  t.regex(one.out, /Arguments:\n {2}NAME {2}its name\n {2}FILE {2}its config\n/);
});

test('errors have the exit codes that docs/cli.md lists', async (t) => {
  t.deepEqual(await run('fails'), { code: 1, out: '', err: 'flanneld: no\n', args: {} });
  t.deepEqual(await run('asks'), { code: 3, out: '', err: 'flanneld: nobody\n', args: {} });
});
