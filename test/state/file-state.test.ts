// The state on a real disk: the contract, what a crash leaves, and what somebody hostile could have put there.

import {
  chmod,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { openState } from '../../src/state/file-state.js';
import type { NodeState } from '../../src/state/node-state.js';
import { encodeSnapshot } from '../../src/state/snapshot-codec.js';
import { rejectsWithState, stateContract, StateWorld } from '../contract/state.js';
import { PREFIX, snapshot, snapshots } from '../helpers/snapshots.js';
import { tempFolder } from '../helpers/temp-folder.js';
import { holdsAsync } from '../subnet/property.js';

const run = promisify(execFile);

interface Disk {
  readonly world: StateWorld;
  readonly stateDir: string;
  readonly folder: string;
  readonly open: (prefix?: string) => Promise<NodeState>;
}

async function diskOf(t: ExecutionContext): Promise<Disk> {
  const world = new StateWorld();
  const stateDir = join(await tempFolder(t), 'lib', 'flannel');
  const open = (prefix = PREFIX): Promise<NodeState> =>
    openState({ ...world.parts, stateDir, network: 'net', prefix });
  return { world, stateDir, folder: join(stateDir, 'net'), open };
}

/** A disk whose folder is there, and nobody's. */
async function usedDisk(t: ExecutionContext): Promise<Disk> {
  const disk = await diskOf(t);
  await (await disk.open()).close();
  return disk;
}

const present = (path: string): Promise<Uint8Array | undefined> => readFile(path).catch(() => undefined);

stateContract(test, async (t) => {
  const { world, folder, open } = await diskOf(t);
  const path = join(folder, 'snapshot.json');
  return {
    world,
    open,
    raw: {
      snapshot: () => present(path),
      bad: () => present(`${path}.bad`),
      put: (bytes) => writeFile(path, bytes),
    },
  };
});

test('the folder is ours alone, whatever the umask, and so are its files', async (t) => {
  const { stateDir, folder, open } = await usedDisk(t);
  t.is((await stat(stateDir)).mode & 0o022, 0);
  await chmod(folder, 0o777);
  const state = await open();
  await state.begin('a');
  await state.writeSnapshot(snapshot());
  t.is((await stat(folder)).mode & 0o777, 0o700);
  t.deepEqual((await readdir(folder)).sort(), ['instance', 'lock', 'snapshot.json']);
  for (const name of await readdir(folder)) t.is((await stat(join(folder, name))).mode & 0o777, 0o600, name);
  await state.close();
});

test('a name that is no plain folder’s is refused before anything is made', async (t) => {
  const { world, stateDir } = await diskOf(t);
  for (const network of ['', '.', '..', '../x', 'a/b', 'a\0b', '-x', 'x'.repeat(101)]) {
    await t.throwsAsync(openState({ ...world.parts, stateDir, network, prefix: PREFIX }), {
      instanceOf: RangeError,
    });
  }
  await t.throwsAsync(stat(stateDir), { code: 'ENOENT' });
});

test('two networks have a folder each, and do not wait for each other', async (t) => {
  const { world, stateDir, open } = await diskOf(t);
  const first = await open();
  const second = await openState({ ...world.parts, stateDir, network: 'other', prefix: PREFIX });
  t.not(first.folder, second.folder);
  await Promise.all([first.close(), second.close()]);
});

test('an aborted signal ends the waiting for a folder', async (t) => {
  const { world, stateDir, open } = await diskOf(t);
  const first = await open();
  const abort = new AbortController();
  const options = { ...world.parts, stateDir, network: 'net', prefix: PREFIX, signal: abort.signal };
  const opening = openState(options);
  abort.abort();
  await rejectsWithState(t, opening, 'locked');
  t.is(world.clock.pending, 0);
  await first.close();
});

for (const [what, prepare] of [
  ['a file where the state directory should be', (disk: Disk) => writeFile(join(disk.stateDir, '..'), 'x')],
  [
    'a file where the folder should be',
    async (disk: Disk) => {
      await mkdir(disk.stateDir, { recursive: true });
      await writeFile(disk.folder, 'x');
    },
  ],
  [
    'a link where the folder should be',
    async (disk: Disk) => {
      await mkdir(join(disk.stateDir, 'elsewhere'), { recursive: true });
      await symlink('elsewhere', disk.folder);
    },
  ],
  [
    'a link where the lock should be',
    async (disk: Disk) => {
      await mkdir(disk.folder, { recursive: true });
      await symlink('/etc/passwd', join(disk.folder, 'lock'));
    },
  ],
  [
    'a folder where the lock should be',
    async (disk: Disk) => {
      await mkdir(join(disk.folder, 'lock'), { recursive: true });
    },
  ],
  [
    'a lock that is another file’s second name',
    async (disk: Disk) => {
      await mkdir(disk.folder, { recursive: true });
      await writeFile(join(disk.stateDir, 'precious'), 'x');
      await link(join(disk.stateDir, 'precious'), join(disk.folder, 'lock'));
    },
  ],
] as const) {
  test(`${what} makes the state unusable, which names it`, async (t) => {
    const disk = await diskOf(t);
    await prepare(disk);
    const error = await rejectsWithState(t, disk.open(), 'unusable');
    t.true(error.message.includes(disk.stateDir), error.message);
  });
}

for (const [what, make] of [
  ['a link', (path: string) => symlink('/etc/passwd', path)],
  ['a folder that is not empty', (path: string) => mkdir(join(path, 'in it'), { recursive: true })],
  ['a file of 33 MiB', (path: string) => writeFile(path, '').then(() => truncate(path, 33 << 20))],
  ['a FIFO, which would wait for a writer', (path: string) => run('mkfifo', [path])],
  ['an empty file', (path: string) => writeFile(path, '')],
  ['a file of zeros, as after a crash', (path: string) => writeFile(path, Buffer.alloc(4096))],
] as const) {
  for (const name of ['snapshot.json', 'instance']) {
    test(`${what} as ${name} is told, put aside, and not missed`, async (t) => {
      const { world, folder, open } = await usedDisk(t);
      const path = join(folder, name);
      await make(path);
      const state = await open();
      t.deepEqual(state.predecessors, []);
      t.is(await state.readSnapshot(), undefined);
      t.is(world.counters.get('stateUnreadable'), 1);
      t.deepEqual(
        world.logger.lines.map(({ level, fields }) => [level, fields.file]),
        [['warn', path]],
      );
      await lstat(`${path}.bad`);
      await state.begin('a');
      await state.writeSnapshot(snapshot());
      t.deepEqual(await state.readSnapshot(), snapshot());
      await state.close();
      const next = await open();
      t.deepEqual(next.predecessors, ['a']);
      await next.close();
    });
  }
}

test('what is put aside takes the place of what was, whatever the two are', async (t) => {
  const { folder, open } = await usedDisk(t);
  const path = join(folder, 'snapshot.json');
  const state = await open();
  for (const name of ['first', 'second']) {
    await mkdir(join(path, name), { recursive: true });
    t.is(await state.readSnapshot(), undefined);
    t.deepEqual(await readdir(`${path}.bad`), [name]);
  }
  await writeFile(path, 'third');
  t.is(await state.readSnapshot(), undefined);
  t.is(await readFile(`${path}.bad`, 'utf8'), 'third');
  await state.close();
});

test('what is in a linked file is neither read nor changed', async (t) => {
  const { stateDir, folder, open } = await usedDisk(t);
  const outside = join(stateDir, 'outside');
  await writeFile(outside, encodeSnapshot(snapshot()).bytes);
  await symlink(outside, join(folder, 'snapshot.json'));
  await symlink(outside, join(folder, '.snapshot.json.tmp'));
  const state = await open();
  t.is(await state.readSnapshot(), undefined);
  await state.writeSnapshot(snapshot({ listRevision: 99n }));
  t.deepEqual(await readFile(outside), encodeSnapshot(snapshot()).bytes);
  t.is((await state.readSnapshot())?.listRevision, 99n);
  await state.close();
});

test('half-written files and folders that a crash left are replaced', async (t) => {
  const { folder, open } = await usedDisk(t);
  await writeFile(join(folder, '.snapshot.json.tmp'), '{"version":1,"sha2');
  await mkdir(join(folder, '.instance.tmp', 'x'), { recursive: true });
  const state = await open();
  t.is(await state.readSnapshot(), undefined);
  await state.begin('a');
  await state.writeSnapshot(snapshot());
  t.deepEqual((await readdir(folder)).sort(), ['instance', 'lock', 'snapshot.json']);
  await state.close();
});

test('a snapshot cut off at any place is not believed', async (t) => {
  const { folder, open } = await usedDisk(t);
  const { bytes } = encodeSnapshot(snapshot());
  const state = await open();
  for (let length = 0; length < bytes.length; length += 13) {
    await writeFile(join(folder, 'snapshot.json'), bytes.subarray(0, length));
    t.is(await state.readSnapshot(), undefined, `${length} bytes`);
  }
  await state.close();
});

test('a folder that vanishes makes writing fail, and says so', async (t) => {
  const { folder, open } = await usedDisk(t);
  const state = await open();
  await rm(folder, { recursive: true });
  await rejectsWithState(t, state.writeSnapshot(snapshot()), 'unusable');
  const error = await rejectsWithState(t, state.begin('a'), 'unusable');
  t.regex(error.message, /instance cannot be written: ENOENT/);
  await state.close();
});

test('property: whatever bytes lie there, reading yields a snapshot or undefined', async (t) => {
  const { folder, open } = await usedDisk(t);
  const path = join(folder, 'snapshot.json');
  const state = await open();
  const good = encodeSnapshot(snapshot()).bytes;
  const damaged = fc
    .tuple(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 255 }))
    .map(([at, flip]) => good.map((byte, index) => (index === at ? byte ^ flip : byte)));
  await holdsAsync(
    t,
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), damaged), async (bytes) => {
      await writeFile(path, bytes);
      t.is(await state.readSnapshot(), undefined);
    }),
    { numRuns: 300 },
  );
  await state.close();
});

test('property: what is written is what is read', async (t) => {
  const { world, stateDir } = await usedDisk(t);
  await holdsAsync(
    t,
    fc.asyncProperty(snapshots, async (written) => {
      const state = await openState({ ...world.parts, stateDir, network: 'net', prefix: written.prefix });
      await state.writeSnapshot(written);
      t.deepEqual(await state.readSnapshot(), written);
      await state.close();
    }),
    { numRuns: 100 },
  );
});
