// Where the program finds what comes with it, in each of the places it is run from.

import { existsSync } from 'node:fs';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import type { ownFile } from '../src/own-files.js';
import { tempFolder } from './helpers/temp-folder.js';

const HERE = import.meta.dirname;
const ADDON = ['flanneld.node', 'native/build/flanneld.node'];

const places = [
  { what: 'the compiler’s output', program: 'dist/src/own-files.js', file: 'native/build/flanneld.node' },
  { what: 'the bundle of a checkout', program: 'dist/daemon/own.mjs', file: 'native/build/flanneld.node' },
  {
    what: 'an installed package',
    program: 'lib/flanneld/daemon/own.mjs',
    file: 'lib/flanneld/daemon/flanneld.node',
  },
];
for (const { what, program, file } of places) {
  test(`the addon is found from ${what}`, async (t) => {
    const folder = await tempFolder(t);
    for (const path of [program, file]) await mkdir(join(folder, dirname(path)), { recursive: true });
    await cp(join(HERE, '../src/own-files.js'), join(folder, program));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    const own = (await import(pathToFileURL(join(folder, program)).href)) as { ownFile: typeof ownFile };
    t.false(existsSync(own.ownFile(...ADDON)));
    await writeFile(join(folder, file), '');
    t.is(own.ownFile(...ADDON), join(folder, file));
  });
}
