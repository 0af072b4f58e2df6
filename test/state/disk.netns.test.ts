// The state on file systems that refuse: read-only and full ones, mounted in a mount namespace of their own.

import { execFile } from 'node:child_process';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { openState } from '../../src/state/file-state.js';
import type { NodeState } from '../../src/state/node-state.js';
import { rejectsWithState, StateWorld } from '../contract/state.js';
import { hasRoot } from '../helpers/netns.js';
import { PREFIX } from '../helpers/snapshots.js';
import { STATE_CHILD } from '../helpers/state-child.js';
import { tempFolder } from '../helpers/temp-folder.js';

const run = promisify(execFile);

/** Runs a script in a fresh mount namespace; `$1` is node, `$2` the child, `$3` the folder. */
async function inMounts(folder: string, script: string): Promise<string> {
  const { stdout } = await run('unshare', [
    '--mount',
    'sh',
    '-ec',
    script,
    'sh',
    process.execPath,
    STATE_CHILD,
    folder,
  ]);
  return stdout;
}

test('a read-only file system makes the state unusable, with the remedy', async (t) => {
  if (!hasRoot(t)) return;
  const folder = await tempFolder(t);
  t.is(
    await inMounts(folder, 'mount -t tmpfs -o ro none "$3" && "$1" "$2" try "$3/flannel" 1'),
    `unusable: the state folder ${folder}/flannel/net cannot be made: EROFS ` +
      '(the file system is read-only; name a folder that can be written with -state-dir)\n',
  );
});

test('one that becomes read-only later, too', async (t) => {
  if (!hasRoot(t)) return;
  const folder = await tempFolder(t);
  const script =
    'mount -t tmpfs none "$3" && "$1" "$2" try "$3" 1 && mount -o remount,ro "$3" && "$1" "$2" try "$3" 1';
  t.regex(await inMounts(folder, script), /^kept\nunusable: .*net\/lock cannot be locked: EROFS \(/);
});

test('on a full disk the last snapshot stands', async (t) => {
  if (!hasRoot(t)) return;
  const folder = await tempFolder(t);
  const script = `mount -t tmpfs -o size=64k none "$3"
    "$1" "$2" try "$3" 1 && before=$(sha256sum "$3/net/snapshot.json")
    "$1" "$2" try "$3" 1000
    test "$before" = "$(sha256sum "$3/net/snapshot.json")" && ls -A "$3/net"`;
  const output = await inMounts(folder, script);
  t.regex(
    output,
    /^kept\nunusable: .*snapshot.json cannot be written: ENOSPC \(the disk is full; make room\)\n/,
  );
  t.true(output.endsWith('\nlock\nsnapshot.json\n'), output);
});

test('a folder or file that is another user’s is not trusted', async (t) => {
  if (!hasRoot(t)) return;
  const stateDir = await tempFolder(t);
  const folder = join(stateDir, 'net');
  const world = new StateWorld();
  const open = (): Promise<NodeState> =>
    openState({ ...world.parts, stateDir, network: 'net', prefix: PREFIX });
  await mkdir(folder);
  await chown(folder, 65534, 65534);
  const error = await rejectsWithState(t, open(), 'unusable');
  t.is(error.message, `${folder} belongs to user 65534: remove it, or give it to us`);
  await chown(folder, 0, 0);
  await writeFile(join(folder, 'instance'), 'forged\n');
  await chown(join(folder, 'instance'), 65534, 65534);
  const state = await open();
  t.deepEqual(state.predecessors, []);
  t.is(world.logger.lines[0]?.fields.reason, 'belongs to user 65534');
  await state.close();
});
