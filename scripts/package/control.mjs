// What dpkg must know of the package: control file, checksums, configuration files, triggers, maintainer scripts. The architecture and the
// oldest C library are read from the addon.

import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** e_machine of elf(5) → Debian's name; all of them little-endian with 64 bits but armhf. */
const ARCHITECTURES = new Map([
  [62, 'amd64'],
  [183, 'arm64'],
  [40, 'armhf'],
  [243, 'riscv64'],
  [21, 'ppc64el'],
]);
const SCRIPTS = ['postinst', 'prerm', 'postrm'];

/** Writes `tree`/DEBIAN and returns the architecture. Throws an Error for an addon that Debian has no name for. */
export function writeControl(root, tree, { version }) {
  const addon = readFileSync(join(tree, 'usr/lib/flanneld/daemon/flanneld.node'));
  const architecture = architectureOf(addon);
  const files = filesBelow(tree);
  const folder = join(tree, 'DEBIAN');
  const put = (name, text, mode = 0o644) => {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), mode);
  };
  const sums = files.map((path) => `${md5(join(tree, path))}  ${path}\n`).join('');
  const kilobytes = files.reduce((sum, path) => sum + Math.ceil(statSync(join(tree, path)).size / 1024), 0);
  const values = {
    VERSION: version,
    ARCHITECTURE: architecture,
    INSTALLED_SIZE: String(kilobytes),
    GLIBC: glibcOf(addon),
  };
  mkdirSync(folder, { mode: 0o755 });
  const template = readFileSync(join(root, 'packaging/debian/control.in'), 'utf8');
  put(
    'control',
    template.replace(/@([A-Z_]+)@/g, (_, name) => values[name]),
  );
  put('md5sums', sums);
  const configuration = files.filter((path) => path.startsWith('etc/'));
  put('conffiles', configuration.map((path) => `/${path}\n`).join(''));
  put('triggers', readFileSync(join(root, 'packaging/debian/triggers'), 'utf8'));
  for (const name of SCRIPTS) put(name, readFileSync(join(root, 'packaging/debian', name)), 0o755);
  return architecture;
}

function architectureOf(elf) {
  const name = elf.subarray(0, 4).toString('latin1') === '\x7fELF' ? elf.readUInt16LE(18) : -1;
  const architecture = ARCHITECTURES.get(name);
  if (architecture === undefined) throw new Error(`the addon is for a machine without a name (${name})`);
  return architecture;
}

/** The newest symbol version of the C library that the addon asks for. */
function glibcOf(elf) {
  const versions = [...elf.toString('latin1').matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor));
  return `2.${Math.max(17, ...versions)}`;
}

function filesBelow(tree) {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)))
    .sort();
}

function md5(path) {
  return createHash('md5').update(readFileSync(path)).digest('hex');
}
