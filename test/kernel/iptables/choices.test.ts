// The small decisions: versions of iptables, the mode, the bridge setting, and upstream processes in a /proc of the test.

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { bridgeFilterProblem } from '../../../src/kernel/iptables/bridge-filter.js';
import { chooseMode, type ToolProbe } from '../../../src/kernel/iptables/choose-mode.js';
import { parseVersion } from '../../../src/kernel/iptables/tool-version.js';
import { removeUpstreamNft } from '../../../src/kernel/iptables/upstream-nft.js';
import { upstreamProcesses } from '../../../src/kernel/iptables/upstream-processes.js';
import { RulesError } from '../../../src/kernel/rules.js';
import { cidr } from '../../../src/subnet/cidr.js';
import { RecordingLogger } from '../../helpers/recording-logger.js';

test('the version says the variant and what it can do', (t) => {
  const table: readonly (readonly [string, string, string, boolean])[] = [
    ['iptables v1.8.9 (nf_tables)\n', '1.8.9', 'nft', true],
    ['iptables v1.8.9 (legacy)', '1.8.9', 'legacy', true],
    ['ip6tables v1.8.10 (nf_tables)', '1.8.10', 'nft', true],
    ['iptables v1.6.2', '1.6.2', 'legacy', true],
    ['iptables v1.6.1', '1.6.1', 'legacy', false],
    ['iptables v1.4.21', '1.4.21', 'legacy', false],
    ['iptables v2.0', '2.0.0', 'legacy', true],
  ];
  for (const [text, version, variant, modern] of table) {
    const parsed = parseVersion(text);
    t.like(
      parsed,
      { version, variant, randomFully: modern, wait: modern, needsPolling: variant === 'legacy' },
      text,
    );
  }
  for (const text of [
    '',
    'iptables',
    'nft v1.0.6',
    'iptables v1',
    'iptables v1.99999.1',
    'x iptables v1.8.9',
  ])
    t.is(parseVersion(text), undefined, text);
});

const there = (version: string): ToolProbe => ({ usable: true, version });
const absent = (what: string): ToolProbe => ({
  usable: false,
  error: new RulesError('tool-missing', `${what} is not installed; install it with: apt-get install ${what}`),
});
const broken: ToolProbe = { usable: false, error: new RulesError('tool-unusable', 'nft 0.8 is too old') };

test('the mode follows the config, and without one nftables is preferred', (t) => {
  const nft = there('1.0.6');
  const iptables = there('1.8.9');
  t.is(chooseMode(true, { nft, iptables: absent('iptables') }).mode, 'nftables');
  t.is(chooseMode(false, { nft, iptables }).mode, 'iptables');
  t.deepEqual(chooseMode(undefined, { nft, iptables }), {
    mode: 'nftables',
    reason: 'nft 1.0.6 can be used',
  });
  const fallback = chooseMode(undefined, { nft: broken, iptables });
  t.is(fallback.mode, 'iptables');
  t.regex(fallback.reason, /nft 0\.8 is too old/);
});

test('a mode that cannot be had is an error that says what to install', (t) => {
  const refused = (wanted: boolean | undefined, nft: ToolProbe, iptables: ToolProbe): RulesError =>
    t.throws(() => chooseMode(wanted, { nft, iptables }), { instanceOf: RulesError });
  t.regex(
    refused(true, absent('nftables'), there('1.8.9')).message,
    /"EnableNFTables": true.*apt-get install nftables/,
  );
  t.regex(
    refused(false, there('1'), absent('iptables')).message,
    /"EnableNFTables": false.*apt-get install iptables/,
  );
  const neither = refused(undefined, absent('nftables'), absent('iptables'));
  t.is(neither.code, 'tool-missing');
  t.regex(neither.message, /install nftables.*install iptables/);
  t.is(refused(undefined, broken, absent('iptables')).code, 'tool-unusable');
});

test('a bridge setting that is off or absent is a warning with the commands', async (t) => {
  const asked: string[] = [];
  const kernel = (value: string | undefined): Parameters<typeof bridgeFilterProblem>[0] => ({
    readSetting: (path) => {
      asked.push(path);
      return Promise.resolve(value);
    },
  });
  t.is(await bridgeFilterProblem(kernel('1'), 4), undefined);
  const off = await bridgeFilterProblem(kernel('0'), 4);
  t.regex(off?.message ?? '', /`sysctl -w net\.bridge\.bridge-nf-call-iptables=1`$/);
  t.notRegex(off?.message ?? '', /modprobe/);
  const none = await bridgeFilterProblem(kernel(undefined), 6);
  t.regex(
    none?.message ?? '',
    /`modprobe br_netfilter`, then `sysctl -w net\.bridge\.bridge-nf-call-ip6tables=1`$/,
  );
  t.deepEqual(
    [...new Set(asked)],
    ['net/bridge/bridge-nf-call-iptables', 'net/bridge/bridge-nf-call-ip6tables'],
  );
});

test('upstream’s daemon is known by its program or its name, ours and others are not', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'proc-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  const add = async (pid: number, exe: string | undefined, comm: string): Promise<void> => {
    await mkdir(join(root, String(pid)));
    if (exe !== undefined) await symlink(exe, join(root, String(pid), 'exe'));
    await writeFile(join(root, String(pid), 'comm'), `${comm}\n`);
  };
  await add(10, '/opt/bin/flanneld', 'flanneld');
  await add(11, '/opt/bin/flanneld (deleted)', 'renamed');
  await add(12, undefined, 'flanneld');
  await add(13, '/usr/bin/node', 'flanneld');
  await add(14, '/opt/cni/bin/flannel', 'flannel');
  await add(15, '/usr/bin/bash', 'flanneld-watch');
  await add(16, '/opt/bin/flanneld', 'flanneld');
  await mkdir(join(root, '17'));
  await mkdir(join(root, 'self'));
  t.deepEqual((await upstreamProcesses(16, root)).sort(), [10, 11, 12, 14]);
  await t.throwsAsync(upstreamProcesses(1, join(root, 'nowhere')), { code: 'ENOENT' });
});

test('a table of upstream’s is read in no time, whatever stands in it', async (t) => {
  const started = performance.now();
  const text = `ip saddr 10.5.0.0/16 accept\ncomment "${'a'.repeat(500_000)}"`;
  const outcome = await removeUpstreamNft({
    runner: {
      run: (_command, args) => {
        const absent = args[2] === 'ip6';
        const stderr = absent ? 'Error: No such file or directory' : '';
        return Promise.resolve({ code: absent ? 1 : 0, stdout: absent ? '' : text, stderr });
      },
    },
    logger: new RecordingLogger(),
    upstreamProcesses: () => Promise.resolve([]),
    ranges: [cidr('10.5.0.0/16')],
  });
  t.deepEqual(outcome, { removed: ['ip flannel-ipv4'], kept: [] });
  t.true(performance.now() - started < 2_000);
});
