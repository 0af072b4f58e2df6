// Tools as children: what they say, what happens when they are absent, hang, or talk without end.

import test, { type ExecutionContext } from 'ava';
import { systemClock } from '../../src/clock.js';
import { RulesError } from '../../src/kernel/rules.js';
import { ToolRunner, type ToolRunOptions } from '../../src/kernel/tool.js';
import { RecordingLogger } from '../helpers/recording-logger.js';

function runner(path?: string): ToolRunner {
  return new ToolRunner({
    clock: systemClock,
    logger: new RecordingLogger(),
    ...(path === undefined ? {} : { path }),
  });
}

async function refused(
  t: ExecutionContext,
  tool: ToolRunner,
  words: readonly [string, ...string[]],
  options?: ToolRunOptions,
): Promise<RulesError> {
  const [command, ...args] = words;
  return t.throwsAsync(tool.run(command, args, options), { instanceOf: RulesError });
}

test('stdin, arguments, output and exit code pass through, and commands are counted by name', async (t) => {
  const tool = runner();
  t.deepEqual(await tool.run('cat', [], { stdin: 'a rule\n' }), { code: 0, stdout: 'a rule\n', stderr: '' });
  const { code, stderr } = await tool.run('sh', ['-c', 'echo "$1" >&2; exit 3', 'sh', '$(id); "x"']);
  t.deepEqual([code, stderr], [3, '$(id); "x"\n']);
  t.deepEqual([tool.spawned, tool.spawnedBy('cat'), tool.spawnedBy('nft')], [2, 1, 0]);
});

test('an absent tool is named with its package', async (t) => {
  const nft = await refused(t, runner('/nowhere'), ['nft', 'list', 'tables']);
  t.deepEqual(
    [nft.code, nft.message],
    ['tool-missing', 'nft is not installed; install it with: apt-get install nftables'],
  );
  const restore = await refused(t, runner('/nowhere'), ['iptables-restore']);
  t.regex(restore.message, /apt-get install iptables/);
});

test('a tool that hangs is killed with its children', async (t) => {
  const started = performance.now();
  // The child of the shell keeps the pipes open: without a kill of the group they would stay so.
  const error = await refused(t, runner(), ['sh', '-c', 'sleep 60 & wait'], { timeoutMs: 100 });
  t.is(error.code, 'tool-timeout');
  t.regex(error.message, /^`sh -c sleep 60 & wait` did not end within 0.1 s and was killed/);
  t.true(performance.now() - started < 5_000);
});

test('a tool that somebody else kills is refused', async (t) => {
  const error = await refused(t, runner(), ['sh', '-c', 'kill -9 $$']);
  t.deepEqual([error.code, error.message], ['tool-refused', '`sh -c kill -9 $$` was killed by SIGKILL']);
});

test('output has a limit', async (t) => {
  const error = await refused(t, runner(), ['yes', 'a rule']);
  t.is(error.code, 'tool-refused');
  t.regex(error.message, /printed more than 67108864 bytes/);
  const { stderr } = await runner().run('sh', ['-c', 'head -c 200000 /dev/zero >&2']);
  t.is(stderr.length, 65_536);
});

test('a tool that does not read its input is judged by its exit code', async (t) => {
  const { code } = await runner().run('true', [], { stdin: 'x'.repeat(4_000_000) });
  t.is(code, 0);
});

test('at the stop of the process a tool has half a second left, whether it runs or is only started', async (t) => {
  const stop = new AbortController();
  const tool = new ToolRunner({ clock: systemClock, logger: new RecordingLogger(), signal: stop.signal });
  const started = performance.now();
  const running = refused(t, tool, ['sleep', '60']);
  stop.abort();
  t.is((await running).code, 'tool-timeout');
  t.is((await refused(t, tool, ['sleep', '60'])).code, 'tool-timeout');
  t.is((await tool.run('true', [])).code, 0);
  t.true(performance.now() - started < 5_000);
});
