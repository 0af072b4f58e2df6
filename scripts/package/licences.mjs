// The licences of the packages that are in the bundle, as stanzas of Debian's copyright format. Which ones those are is written down
// by scripts/build-daemon.mjs.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The text of the stanzas. Throws an Error for a package without a licence. */
export function licences(root) {
  const packages = JSON.parse(readFileSync(join(root, 'dist/daemon/packages.json'), 'utf8'));
  return packages.map((name) => stanza(join(root, 'node_modules', name), name)).join('\n');
}

function stanza(folder, name) {
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? undefined : readFileSync(join(folder, file), 'utf8').trim();
  if (typeof license !== 'string') throw new Error(`${name} names no licence`);
  const holders = text?.match(/^\s*(copyright .*\d{4}.*)$/gim)?.map((line) => line.trim()) ?? [];
  const who = holders.length === 0 ? 'its authors' : holders.join('\n           ');
  // Apache's is in every Debian system; a package without a file has at least its name for it.
  const full = license === 'Apache-2.0' || text === undefined ? commonText(license) : indented(text);
  return `Files: ${name}\nComment: npm package ${name} ${version}\nCopyright: ${who}\nLicense: ${license}-${name.replace(/[@/]/g, '')}\n${full}\n`;
}

function commonText(license) {
  return license === 'Apache-2.0'
    ? ' On Debian systems: /usr/share/common-licenses/Apache-2.0'
    : ` As ${license}.`;
}

function indented(text) {
  return text
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');
}
