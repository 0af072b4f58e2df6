// The engine against tools that are missing, foreign, hanging, locked out or contrary: tiny scripts on a PATH of the test.

import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../../src/clock.js';
import { IptablesEngine } from '../../../src/kernel/iptables/engine.js';
import { RulesError } from '../../../src/kernel/rules.js';
import { ToolRunner } from '../../../src/kernel/tool.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';
import { BLUE, UPSTREAM_FILTER, UPSTREAM_NAT } from './helpers.js';

const VERSION = 'echo "iptables v1.8.9 (legacy)"';
const EMPTY =
  'printf "*nat\\n:POSTROUTING ACCEPT [0:0]\\nCOMMIT\\n*filter\\n:FORWARD ACCEPT [0:0]\\nCOMMIT\\n"';

interface Bench {
  readonly engine: IptablesEngine;
  readonly runner: ToolRunner;
  readonly folder: string;
}

/** An engine whose tools are shell scripts; a tool without a script does not exist. */
async function bench(
  t: ExecutionContext,
  scripts: Readonly<Record<string, string>>,
  timeoutMs = 20_000,
): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'tools-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(folder, name), `#!/bin/sh\nPATH=/usr/bin:/bin\nDIR=${folder}\n${script}\n`);
    await chmod(join(folder, name), 0o755);
  }
  const logger = new RecordingLogger();
  const runner = new ToolRunner({ clock: systemClock, logger, path: folder });
  return { engine: new IptablesEngine({ runner, logger, primary: 'auto', timeoutMs }), runner, folder };
}

const failure = (t: ExecutionContext, work: Promise<unknown>): Promise<RulesError> =>
  t.throwsAsync(work, { instanceOf: RulesError });

test('without iptables the error names the package', async (t) => {
  const { engine } = await bench(t, {});
  const error = await failure(t, engine.apply(BLUE));
  t.is(error.code, 'tool-missing');
  t.regex(error.message, /iptables is not installed.*apt-get install iptables/);
  t.is((await failure(t, engine.remove('blue', 4))).code, 'tool-missing');
});

test('something else by the name of iptables, and an ancient one, are refused', async (t) => {
  for (const script of ['echo "busybox, no applet"', 'exit 3', 'echo "iptables v1.3.8"']) {
    const { engine, runner } = await bench(t, { iptables: script, 'iptables-save': EMPTY });
    const error = await failure(t, engine.apply(BLUE));
    t.is(error.code, 'tool-unusable', script);
    t.is(runner.spawnedBy('iptables-save'), 0);
  }
});

test('a tool that could not be used is asked again, one that could is not', async (t) => {
  const { engine, runner, folder } = await bench(t, { iptables: 'cat "$DIR/version" 2>/dev/null' });
  await failure(t, engine.version(4));
  await writeFile(join(folder, 'version'), 'iptables v1.8.9 (nf_tables)');
  t.is((await engine.version(4)).variant, 'nft');
  t.false(await engine.needsPolling(4));
  t.is(runner.spawnedBy('iptables'), 2);
});

test('a restore that hangs is killed and named', async (t) => {
  const { engine } = await bench(
    t,
    { iptables: VERSION, 'iptables-save': EMPTY, 'iptables-restore': 'exec sleep 60' },
    300,
  );
  const error = await failure(t, engine.apply(BLUE));
  t.is(error.code, 'tool-timeout');
  t.regex(error.message, /iptables-restore --noflush --wait=5/);
});

test('a lock that was not had in time is a time-out', async (t) => {
  const locked = 'echo "Another app is currently holding the xtables lock; waited 5s." >&2; exit 4';
  const { engine, runner } = await bench(t, {
    iptables: VERSION,
    'iptables-save': EMPTY,
    'iptables-restore': locked,
  });
  const error = await failure(t, engine.apply(BLUE));
  t.is(error.code, 'tool-timeout');
  t.regex(error.message, /holding the xtables lock.*fuser/);
  t.is(runner.spawnedBy('iptables-restore'), 1);
});

test('a refusal is quoted, after a second look found the same to do', async (t) => {
  const refuse = 'echo "iptables-restore: line 9 failed" >&2; exit 1';
  const { engine, runner } = await bench(t, {
    iptables: VERSION,
    'iptables-save': EMPTY,
    'iptables-restore': refuse,
  });
  const error = await failure(t, engine.apply(BLUE));
  t.is(error.code, 'tool-refused');
  t.regex(error.message, /exit code 1: iptables-restore: line 9 failed/);
  t.is(runner.spawnedBy('iptables-save'), 2);
  t.is(runner.spawnedBy('iptables-restore'), 1);
});

test('a refusal because of a change in between is planned anew', async (t) => {
  const asSaved = (lines: string): string => lines.replaceAll(/^-N (.*)$/gm, ':$1 - [0:0]');
  const done = `*nat\n:POSTROUTING ACCEPT [0:0]\n${asSaved(UPSTREAM_NAT)}COMMIT\n*filter\n:FORWARD ACCEPT [0:0]\n${asSaved(UPSTREAM_FILTER)}COMMIT\n`;
  const half = done.replace(/.*RETURN\n/, '');
  const { engine, runner, folder } = await bench(t, {
    iptables: VERSION,
    'iptables-save': `n=$(cat "$DIR/n" 2>/dev/null || echo 0); echo $((n+1)) > "$DIR/n"; cat "$DIR/save$n"`,
    'iptables-restore': `cat > /dev/null; [ -e "$DIR/tried" ] && exit 0; touch "$DIR/tried"; echo "no such rule" >&2; exit 1`,
  });
  for (const [index, text] of [half.replace('FLANNEL-FWD\n', 'NOTHING\n'), half, done].entries())
    await writeFile(join(folder, `save${index}`), text);
  const { changes, problems } = await engine.apply(BLUE);
  t.true(changes > 0);
  t.deepEqual(problems, []);
  t.is(runner.spawnedBy('iptables-restore'), 2);
});

test('rules that never read back as written are a problem, not an endless loop', async (t) => {
  const { engine, runner } = await bench(t, {
    iptables: VERSION,
    'iptables-save': EMPTY,
    'iptables-restore': 'cat >/dev/null',
  });
  const { problems } = await engine.apply(BLUE);
  t.is(problems.length, 1);
  t.like(problems[0], { code: 'refused', kind: 'rule' });
  t.is(runner.spawnedBy('iptables-restore'), 3);
});

test('a listing cut off in the middle changes nothing', async (t) => {
  const { engine, runner } = await bench(t, {
    iptables: VERSION,
    'iptables-save': 'printf "*nat\\n:POSTROUTING ACCEPT [0:0]\\n"',
    'iptables-restore': 'exit 0',
  });
  t.is((await failure(t, engine.apply(BLUE))).code, 'tool-refused');
  t.is(runner.spawnedBy('iptables-restore'), 0);
});

test('an old restore is not given a --wait it does not know, nor random ports', async (t) => {
  const { engine, folder } = await bench(t, {
    iptables: 'echo "iptables v1.4.21"',
    'iptables-save': EMPTY,
    'iptables-restore': 'echo "$@" >> "$DIR/args"; cat >> "$DIR/stdin"',
  });
  await engine.apply(BLUE);
  t.is(await readFile(join(folder, 'args'), 'utf8'), '--noflush\n'.repeat(3));
  t.notRegex(await readFile(join(folder, 'stdin'), 'utf8'), /random/);
});

test('IPv6 has tools of its own', async (t) => {
  const { engine, runner } = await bench(t, {
    ip6tables: 'echo "ip6tables v1.8.9 (nf_tables)"',
    'ip6tables-save': EMPTY,
  });
  t.false(await engine.remove('blue', 6));
  t.is(runner.spawnedBy('ip6tables-save'), 1);
});
