// No secret in anything that a daemon or a command says: a host is full of them, and every byte is searched.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Flanneld } from '../../src/lab/flanneld.js';
import type { Host } from '../../src/lab/host.js';
import { healthArgs } from '../helpers/health.js';
import { canMakeHosts, flanneldCommand, makeCluster } from '../helpers/lab.js';
import { tempFolder } from '../helpers/temp-folder.js';

/** As passwords are: with characters that JSON, URLs and shells write in other ways. */
const PASSWORD = 'c0rrect/horse"b@ttery';
const KEY = 'S3cretKeyMaterialS3cretKeyMaterial';
const ENV = { FLANNELD_ETCD_USERNAME: 'root', FLANNELD_ETCD_PASSWORD: PASSWORD };

const FORMS = [
  PASSWORD,
  JSON.stringify(PASSWORD).slice(1, -1),
  encodeURIComponent(PASSWORD),
  Buffer.from(PASSWORD).toString('base64'),
  KEY,
  'hunter2',
];

function assertClean(t: ExecutionContext, what: string, text: string): void {
  for (const form of FORMS) t.false(text.includes(form), `${what} holds ${form}`);
}

const PATHS = [
  ...['status', 'options', 'counters', 'log-level', 'networks/network/peers', 'networks/network/leases'].map(
    (path) => `/v1/${path}`,
  ),
  ...['/v1/networks/network/wanted', '/metrics', '/readyz', '/healthz'],
];
const COMMANDS = [
  ...['status', 'peers', 'doctor', 'leases list', 'networks list', 'cleanup --dry-run'],
  ...['status --json', 'peers --json', 'doctor --json', 'leases list --json', 'networks list --json'],
];

test.serial(
  'a host full of secrets: no output, no log, no metric and no byte of the bundle has one',
  async (t) => {
    if (!canMakeHosts(t)) return;
    const cluster = await makeCluster(t, 0);
    const host = await cluster.lab.addHost();
    await seed(host);
    const options = cluster.daemonOptions({ args: ['-v=10', ...healthArgs] });
    const daemon = Flanneld.start(host, { ...options, env: ENV });
    t.teardown(() => daemon.stop());
    await daemon.ready();

    const [program, ...leading] = flanneldCommand();
    const folder = await tempFolder(t);
    const etcd = `--etcd-endpoints=${cluster.endpoint}`;
    for (const command of COMMANDS) {
      const isStore = /doctor|leases|networks/.test(command);
      const words = [...command.split(' '), ...(isStore ? [etcd] : [])];
      const { stdout, stderr } = await host.exec(program, [...leading, ...words], { env: ENV });
      t.true(stdout.length > 0, `${command}: ${stderr}`);
      assertClean(t, command, stdout + stderr);
    }
    for (const path of PATHS) {
      const args = ['-sS', '--unix-socket', '/run/flannel/flanneld.sock', `http://flanneld${path}`];
      assertClean(t, path, await host.must('curl', args));
    }
    const bundle = await host.exec(program, [...leading, 'support-bundle', '-o', '/run/b.tar.gz', etcd], {
      env: ENV,
    });
    t.is(bundle.code, 0, bundle.stderr);
    assertClean(t, 'support-bundle', bundle.stdout + bundle.stderr);
    t.is(spawnSync('tar', ['xzf', host.path('/run/b.tar.gz'), '-C', folder]).status, 0);
    const files = filesIn(folder);
    for (const file of files) assertClean(t, file, readFileSync(file, 'latin1'));
    // It has what it is for all the same.
    const text = (name: string): string => readFileSync(join(folder, 'flanneld', name), 'utf8');
    t.regex(text('daemon-flanneld.sock/status.json'), /"backend"/);
    t.regex(text('daemon-flanneld.sock/metrics.txt'), /^# HELP/m);
    t.regex(text('kernel/links.txt'), /flannel\.1/);
    t.regex(text('kernel/nft.txt'), /table ip fault/);
    t.regex(text('files/networks-notes.env'), /REMARK=harmless/);
    t.log(`${files.length} files searched`);

    await daemon.stop();
    assertClean(t, 'the log', daemon.process.output.text());
  },
);

/** Where secrets get to: files beside ours, rules of others, a URL in a comment. */
async function seed(host: Host): Promise<void> {
  const pem = `-----BEGIN PRIVATE KEY-----\n${KEY}\n-----END PRIVATE KEY-----\n`;
  await host.must('mkdir', ['-p', '/run/flannel/networks']);
  await host.writeFile(
    '/run/flannel/networks/notes.env',
    `REMARK=harmless\nETCD_PASSWORD='${PASSWORD}'\n${pem}`,
  );
  const lines = [
    'add table ip fault',
    'add chain ip fault c',
    'add rule ip fault c counter comment "https://root:hunter2@etcd:2379"',
  ];
  await host.must('nft', ['-f', '-'], { input: `${lines.join('\n')}\n` });
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
