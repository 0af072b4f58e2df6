// Who uses a network, as the plugin has recorded it on disk: src/flanneld/network-use.ts. The kernel's part is told in
// networks.test.ts.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { recordedUses } from '../../src/flanneld/network-use.js';
import { canonicalSubnetFile, renderNetworkUse, useFileName, usesFolder } from '../../src/network-uses.js';

/** The folder is a fixed place; a file of this test's own has one of its own there. */
async function folderOf(file: string): Promise<string> {
  const folder = usesFolder(canonicalSubnetFile(file));
  await mkdir(folder, { recursive: true });
  return folder;
}

test('each record is a use, one that cannot be read too, and one that is being written is none', async (t) => {
  if (process.getuid?.() !== 0) {
    t.log('not run: it needs root (/run/flannel)');
    t.pass();
    return;
  }
  const file = `/run/flannel/test-${process.pid}.env`;
  const folder = await folderOf(file);
  t.teardown(() => rm(folder, { recursive: true }));
  const use = {
    containerId: 'abc',
    ifname: 'net0',
    netns: '',
    subnetFile: file,
    dataDir: '/d',
    network: '',
    name: 'n',
  };
  await writeFile(join(folder, useFileName('abc', 'net0')), renderNetworkUse(use));
  await writeFile(join(folder, useFileName('bad', 'eth0')), 'not JSON');
  await writeFile(join(folder, `.${useFileName('new', 'eth0')}.tmp`), '');
  const uses = await recordedUses(file);
  t.deepEqual([...uses].sort(), ['pod abc (net0)', `unreadable record ${folder}/bad:eth0.json`]);
});

test('without a folder nobody uses it', async (t) => {
  t.deepEqual(await recordedUses('/nowhere/at-all.env'), []);
});
