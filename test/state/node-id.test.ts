// Which node this is: the order of the sources, files that say nothing, and two daemons that start at once.

import { chmod, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { deriveNodeId, readNodeId, type NodeId } from '../../src/state/node-id.js';
import { isNodeId } from '../../src/subnet/identity.js';
import { rejectsWithState } from '../contract/state.js';
import { RecordingLogger } from '../helpers/recording-logger.js';
import { tempFolder } from '../helpers/temp-folder.js';
import { holdsAsync } from '../subnet/property.js';

const MACHINE_ID = '0123456789abcdef0123456789abcdef';
/** python3: hmac.new(bytes.fromhex(MACHINE_ID), b'flanneld node id', hashlib.sha256).hexdigest()[:32] */
const DERIVED = '82323e4ffe3c8bc849058f796cbb1d95';

class Machine {
  readonly logger = new RecordingLogger();
  readonly etc: string;
  readonly dbus: string;
  readonly stateDir: string;

  static async create(t: ExecutionContext): Promise<Machine> {
    return new Machine(await tempFolder(t));
  }

  private constructor(folder: string) {
    this.etc = join(folder, 'machine-id');
    this.dbus = join(folder, 'dbus-machine-id');
    this.stateDir = join(folder, 'lib', 'flannel');
  }

  read(given?: string): Promise<NodeId> {
    const { etc, dbus, stateDir, logger } = this;
    return readNodeId({ given, machineIdFiles: [etc, dbus], stateDir, randomBytes, logger });
  }
}

test('an id that is given is taken, and nothing else is looked at', async (t) => {
  const machine = await Machine.create(t);
  await writeFile(machine.etc, MACHINE_ID);
  t.deepEqual(await machine.read('node-1.example'), { nodeId: 'node-1.example', origin: 'flag' });
});

test('what can be an id', (t) => {
  for (const text of ['a', '7', 'a-b', 'A.b_c-d', 'x'.repeat(64), DERIVED]) t.true(isNodeId(text), text);
  for (const text of ['', '-a', 'a-', '.', 'a.', 'a b', 'a/b', 'ä', 'a\n', 'x'.repeat(65)])
    t.false(isNodeId(text), text);
});

test('an id that is given and is none is refused, and named', async (t) => {
  const machine = await Machine.create(t);
  const error = await rejectsWithState(t, machine.read('a/b'), 'node-id');
  t.is(
    error.message,
    '"a/b" is not a node id: give it up to 64 letters, digits, ".", "_" and "-", beginning and ending with a letter or digit',
  );
  const long = await rejectsWithState(t, machine.read('\n'.repeat(1_000)), 'node-id');
  t.true(long.message.length < 400);
});

test('else it is derived from the machine-id, which it does not show; nothing is kept', async (t) => {
  const machine = await Machine.create(t);
  await writeFile(machine.etc, `${MACHINE_ID}\n`);
  for (const given of [undefined, '']) {
    t.deepEqual(await machine.read(given), { nodeId: DERIVED, origin: 'machine-id' });
  }
  t.is(deriveNodeId(MACHINE_ID), DERIVED);
  await t.throwsAsync(stat(machine.stateDir), { code: 'ENOENT' });
});

test('the second file counts where the first says nothing; it is usually a link', async (t) => {
  const machine = await Machine.create(t);
  await writeFile(`${machine.dbus}.real`, MACHINE_ID);
  await symlink(`${machine.dbus}.real`, machine.dbus);
  t.like(await machine.read(), { nodeId: DERIVED, origin: 'machine-id' });
  t.deepEqual(machine.logger.lines, [], 'that a file is absent is nothing to tell');
  await writeFile(machine.etc, 'uninitialized\n');
  t.like(await machine.read(), { nodeId: DERIVED, origin: 'machine-id' });
  t.like(machine.logger.lines, [
    {
      message: 'the machine-id cannot be used; on without it',
      fields: { file: machine.etc, reason: 'is not set yet' },
    },
  ]);
});

for (const [what, text, reason] of [
  ['an empty one', '', 'is not set yet'],
  ['one of blanks', ' \n', 'is not set yet'],
  ['one to be filled in', 'uninitialized', 'is not set yet'],
  ['one of zeros, which is nobody’s', '0'.repeat(32), 'is not a machine-id'],
  ['a short one', MACHINE_ID.slice(1), 'is not a machine-id'],
  ['a long one', `${MACHINE_ID}0`, 'is not a machine-id'],
  ['one in capitals', MACHINE_ID.toUpperCase(), 'is not a machine-id'],
  ['one with something after it', `${MACHINE_ID}\n\n`, 'is not a machine-id'],
  ['a huge one', MACHINE_ID.repeat(1_000), 'is longer than 4096 bytes'],
] as const) {
  test(`a machine-id counts as absent: ${what}`, async (t) => {
    const machine = await Machine.create(t);
    await writeFile(machine.etc, text);
    t.is((await machine.read()).origin, 'generated');
    t.deepEqual(
      machine.logger.lines.map(({ fields }) => fields.reason),
      [reason],
    );
  });
}

test('a folder as machine-id counts as absent', async (t) => {
  const machine = await Machine.create(t);
  await mkdir(machine.etc);
  t.is((await machine.read()).origin, 'generated');
  t.is(machine.logger.lines[0]?.fields.reason, 'is not a plain file');
});

test('without a machine-id one is generated, kept, and found again', async (t) => {
  const machine = await Machine.create(t);
  const first = await machine.read();
  t.is(first.origin, 'generated');
  t.regex(first.nodeId, /^[\da-f]{32}$/);
  t.deepEqual(await machine.read(), { nodeId: first.nodeId, origin: 'kept' });
  t.deepEqual(await readdir(machine.stateDir), ['node-id']);
  t.is(await readFile(join(machine.stateDir, 'node-id'), 'utf8'), `${first.nodeId}\n`);
});

test('one that somebody wrote there by hand is taken', async (t) => {
  const machine = await Machine.create(t);
  await mkdir(machine.stateDir, { recursive: true });
  await writeFile(join(machine.stateDir, 'node-id'), 'rack-3.host-7');
  t.deepEqual(await machine.read(), { nodeId: 'rack-3.host-7', origin: 'kept' });
});

for (const [what, make] of [
  ['an empty file', (path: string) => writeFile(path, '')],
  ['something else', (path: string) => writeFile(path, 'two words\n')],
  ['a huge file', (path: string) => writeFile(path, 'x'.repeat(5_000))],
  ['a folder', (path: string) => mkdir(path)],
  ['a link', (path: string) => symlink('/etc/hostname', path)],
  ['a dangling link', (path: string) => symlink('nowhere', path)],
] as const) {
  test(`a kept id that is none is not replaced, but named: ${what}`, async (t) => {
    const machine = await Machine.create(t);
    await mkdir(machine.stateDir, { recursive: true });
    const path = join(machine.stateDir, 'node-id');
    await make(path);
    const error = await rejectsWithState(t, machine.read(), 'node-id');
    t.true(error.message.startsWith(`${path} `) && error.message.endsWith(': remove it, or set -node-id'));
    await rm(path, { recursive: true });
    t.is((await machine.read()).origin, 'generated');
  });
}

test('a folder where nothing can be made is an error that says what to do', async (t) => {
  const machine = await Machine.create(t);
  await writeFile(join(machine.stateDir, '../../lib'), 'a file');
  const error = await rejectsWithState(t, machine.read(), 'unusable');
  t.regex(error.message, /node-id cannot be made; without a machine-id set -node-id: ENOTDIR$/);
});

test('what a crash has left is cleaned up', async (t) => {
  const machine = await Machine.create(t);
  await mkdir(machine.stateDir, { recursive: true });
  await writeFile(join(machine.stateDir, '.node-id.0123456789abcdef.tmp'), 'half');
  await writeFile(join(machine.stateDir, 'other.tmp'), 'not ours');
  await machine.read();
  t.deepEqual((await readdir(machine.stateDir)).sort(), ['node-id', 'other.tmp']);
  await chmod(join(machine.stateDir, 'node-id'), 0o400);
  t.is((await machine.read()).origin, 'kept');
});

test('property: daemons that start at once agree, and one of them made the id', async (t) => {
  await holdsAsync(
    t,
    fc.asyncProperty(fc.integer({ min: 2, max: 12 }), async (count) => {
      const machine = await Machine.create(t);
      const ids = await Promise.all(Array.from({ length: count }, () => machine.read()));
      t.is(new Set(ids.map(({ nodeId }) => nodeId)).size, 1);
      t.is(ids.filter(({ origin }) => origin === 'generated').length, 1);
      t.deepEqual(await readdir(machine.stateDir), ['node-id']);
    }),
    { numRuns: 50 },
  );
});
