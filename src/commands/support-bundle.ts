// `flanneld support-bundle`: everything that helps to find a fault as one tar file, without secrets.
// What goes in is src/doctor/bundle*.ts; here it is read, written to a folder of its own and packed.

import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { CHECKS } from '../doctor/checks.js';
import { fileName, readParts, type BundleFile, type BundlePart } from '../doctor/bundle.js';
import { fileParts, kernelParts, systemParts } from '../doctor/bundle-host.js';
import { gather, type Sources } from '../doctor/gather.js';
import { redactor } from '../doctor/redact.js';
import { examine } from '../doctor/report.js';
import { knownSecrets } from '../doctor/secrets.js';
import type { Collected } from '../doctor/check.js';
import { daemonParts } from './bundle-daemon.js';
import type { CommandArguments, CommandIo } from './command.js';
import { reportText } from './doctor-text.js';
import { CommandError, failed } from './errors.js';
import { withSources } from './open-doctor.js';

const CLEAR_LINE = '\r\u001b[K';

/** Resolves to 0. Throws CommandError when the file cannot be written. */
export async function supportBundle(args: CommandArguments, io: CommandIo): Promise<number> {
  const shows = io.isTerminal === true;
  const progress = (what: string): void => {
    if (shows) io.err(`${CLEAR_LINE}${what} …`);
  };
  const signal = io.interrupted?.();
  const bundle = await withSources(args, io, progress, async (sources) => {
    const now = sources.clock.now();
    const collected = await gather(sources);
    const redact = redactor(await secretsOf(args, io, collected));
    const parts = [...ownParts(collected, now), ...(await partsOf(sources, collected))];
    const files = await readParts(parts, { clock: sources.clock, redact, progress }, signal);
    const path = resolve(pathOf(args, now));
    await pack(path, files, sources, signal);
    return { path, files };
  });
  if (shows) io.err(CLEAR_LINE);
  const { path, files } = bundle;
  const missing = files.filter(({ text }) => text.startsWith('not collected: ')).map(({ name }) => name);
  io.out(
    args['json'] === true
      ? `${JSON.stringify({ file: path, files: files.map(({ name }) => name), missing }, undefined, 2)}\n`
      : `${path}: ${files.length} files, of which ${missing.length} say why they are empty\nlook through it before you give it away: addresses and names are in it, passwords and keys are not\n`,
  );
  return 0;
}

function pathOf(args: CommandArguments, now: number): string {
  if (typeof args['o'] === 'string') return args['o'];
  const time = new Date(now).toISOString().replace(/[-:]/g, '').slice(0, 15);
  return `flanneld-${fileName(hostname())}-${time}.tar.gz`;
}

async function secretsOf(
  args: CommandArguments,
  io: CommandIo,
  { daemons }: Collected,
): Promise<ReadonlySet<string>> {
  const answering = daemons.known ? daemons.value.answering : [];
  const told = answering.map(({ options }) => options['etcd-keyfile']);
  const keyFiles = [args['etcd-keyfile'], io.env['FLANNELD_ETCD_KEYFILE'], ...told];
  return knownSecrets({
    env: io.env,
    given: typeof args['etcd-password'] === 'string' ? [args['etcd-password']] : [],
    pids: answering.map(({ status }) => status.pid),
    keyFiles: keyFiles.filter((file) => typeof file === 'string').filter((file) => file !== ''),
  });
}

/** The doctor's report first: it is what one looks at first. */
function ownParts(collected: Collected, now: number): readonly BundlePart[] {
  const report = examine(CHECKS, collected);
  const about = {
    at: new Date(now).toISOString(),
    host: hostname(),
    node: process.version,
    platform: process.arch,
  };
  return [
    { name: 'about.json', read: () => Promise.resolve(json(about)) },
    { name: 'doctor.txt', read: () => Promise.resolve(reportText(report, { colour: false })) },
    { name: 'doctor.json', read: () => Promise.resolve(json(report)) },
    { name: 'facts.json', read: () => Promise.resolve(json(collected)) },
  ];
}

async function partsOf({ tool }: Sources, { daemons, places }: Collected): Promise<readonly BundlePart[]> {
  const seen = daemons.known ? daemons.value : undefined;
  return [
    ...daemonParts(seen),
    ...(await fileParts(seen)),
    ...kernelParts(tool, places.known ? places.value : []),
    ...systemParts(tool),
  ];
}

/** In a folder that only this user can look into, which is gone afterwards. */
async function pack(
  path: string,
  files: readonly BundleFile[],
  { tool }: Sources,
  signal: AbortSignal | undefined,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'flanneld-bundle-'));
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    for (const { name, text } of files) {
      const file = join(folder, 'flanneld', name);
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFile(file, text, { mode: 0o600 });
    }
    if (signal?.aborted === true)
      throw new CommandError('command-failed', 'interrupted; nothing was written');
    // Made first, so that nobody else can read it.
    await writeFile(temporary, '', { mode: 0o600, flag: 'wx' });
    const args = ['--create', '--gzip', '--file', temporary, '--directory', folder, 'flanneld'];
    const { code, stderr } = await tool.run('tar', args, { timeoutMs: 60_000 });
    if (code !== 0) throw new CommandError('command-failed', `tar failed: ${stderr.trim().slice(0, 400)}`);
    await rename(temporary, path);
  } catch (error) {
    throw error instanceof CommandError ? error : failed(`cannot write ${path}`, error);
  } finally {
    await rm(temporary, { force: true });
    await rm(folder, { recursive: true, force: true });
  }
}

/** Maps and big numbers as JSON has them. */
function json(value: unknown): string {
  const text = JSON.stringify(
    value,
    (_key, part: unknown) => {
      if (part instanceof Map) return Object.fromEntries(part as ReadonlyMap<string, unknown>);
      return typeof part === 'bigint' ? `0x${part.toString(16)}` : part;
    },
    2,
  );
  return `${text}\n`;
}
