// What the Debian package installs, and where; modes and dates are always the same. What dpkg must know of it: control.mjs.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { licences } from './licences.mjs';

/** Where it is installed → where it is in the checkout. */
const FILES = {
  'usr/lib/systemd/system/flanneld.service': 'packaging/systemd/flanneld.service',
  'usr/lib/systemd/system/flanneld.service.d/backoff.conf': 'packaging/systemd/backoff.conf',
  'etc/default/flanneld': 'packaging/default/flanneld',
  'usr/lib/systemd/network/10-flannel.link': 'packaging/networkd/10-flannel.link',
  'usr/lib/systemd/network/10-flannel.network': 'packaging/networkd/10-flannel.network',
  'usr/lib/NetworkManager/conf.d/flanneld.conf': 'packaging/networkmanager/flanneld.conf',
  'usr/lib/modules-load.d/flanneld.conf': 'packaging/modules-load.d/flanneld.conf',
  'usr/lib/tmpfiles.d/flanneld.conf': 'packaging/tmpfiles.d/flanneld.conf',
  'usr/share/doc/flanneld/examples/nonroot.conf': 'packaging/systemd/nonroot.conf',
  'usr/share/doc/flanneld/examples/kube-flanneld.yaml': 'packaging/kubernetes/flanneld.yaml',
  'usr/share/doc/flanneld/install.md': 'docs/install.md',
};

/** As in packaging/debian/control.in. */
const MAINTAINER = 'The flanneld developers <flanneld@example.org>';

/** Lays out the files of the package below `tree`. Throws an Error that says what is missing. */
export function layOut(root, tree, { version, epoch }) {
  const put = (path, bytes, mode = 0o644) => {
    const file = join(tree, path);
    mkdirSync(dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(file, bytes);
    chmodSync(file, mode);
  };
  for (const [path, source] of Object.entries(FILES)) put(path, read(root, source));
  program(root, put, tree);
  put('usr/share/man/man8/flanneld.8.gz', gzip(read(root, 'packaging/flanneld.8')));
  put('usr/share/bash-completion/completions/flanneld', completion(root));
  put('usr/share/doc/flanneld/changelog.gz', gzip(changelog(version, epoch)));
  put('usr/share/doc/flanneld/CHANGELOG.md.gz', gzip(read(root, 'CHANGELOG.md')));
  const copyright = read(root, 'packaging/debian/copyright').toString('utf8');
  put('usr/share/doc/flanneld/copyright', `${copyright}\n${licences(root)}`);
}

/** The bundle, the addon beside it, the launcher; and the plugin, as a program and as what `cni install` makes others of. */
function program(root, put, tree) {
  const bundle = join(root, 'dist/daemon');
  for (const name of readdirSync(bundle).sort())
    if (/\.[cm]js$/.test(name)) put(`usr/lib/flanneld/daemon/${name}`, readFileSync(join(bundle, name)));
  put('usr/lib/flanneld/daemon/flanneld.node', '');
  const addon = join(tree, 'usr/lib/flanneld/daemon/flanneld.node');
  copyFileSync(join(root, 'native/build/flanneld.node'), addon);
  const { status, error, stderr } = spawnSync('strip', ['--strip-unneeded', addon], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`strip failed: ${error?.message ?? stderr}`);
  chmodSync(addon, 0o644);
  put('usr/sbin/flanneld', read(root, 'packaging/launcher'), 0o755);
  const plugin = read(root, 'dist/cni/flannel.cjs');
  put('usr/lib/flanneld/cni/flannel.cjs', plugin);
  // The form that src/commands/cni-launcher.ts writes, with Debian's node.
  const head = `#!/bin/sh\n':' //; unset NODE_OPTIONS NODE_EXTRA_CA_CERTS; exec '/usr/bin/node' "$0" "$@"\n`;
  put('usr/lib/cni/flannel', Buffer.concat([Buffer.from(head), plugin]), 0o755);
}

function completion(root) {
  const args = [join(root, 'bin/flanneld'), 'completion', 'bash'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`flanneld completion failed: ${stderr}`);
  return stdout;
}

/** Debian's form, of one entry that says where the changes are told. */
function changelog(version, epoch) {
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000');
  const lines = [
    `flanneld (${version}) unstable; urgency=medium`,
    '  * What has changed is told in CHANGELOG.md.gz beside this file.',
    ` -- ${MAINTAINER}  ${date}`,
  ];
  return Buffer.from(`${lines.join('\n\n')}\n`);
}

/** Without the time and the name that gzip would put in. */
function gzip(bytes) {
  return gzipSync(bytes, { level: 9 });
}

function read(root, path) {
  try {
    return readFileSync(join(root, path));
  } catch (error) {
    throw new Error(`${path} cannot be read (${error.code}); run: npm run build`, { cause: error });
  }
}

/** Gives everything below a folder, and itself, one date. */
export function dateAll(folder, epoch) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) dateAll(path, epoch);
    else lutimesSync(path, epoch, epoch);
  }
  lutimesSync(folder, epoch, epoch);
}
