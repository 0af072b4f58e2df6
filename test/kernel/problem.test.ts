// What a refused operation becomes: the kernel's answer, and the remedy that fits object and errno.

import test from 'ava';
import type { KernelOperation, NewLink } from '../../src/kernel/kernel.js';
import { errnoOf, kernelError } from '../../src/kernel/operation-errors.js';
import { refusal } from '../../src/kernel/problem.js';
import { tunDevice, vxlan } from '../contract/kernel-world.js';

const create = (link: NewLink): KernelOperation => ({ kind: 'link', verb: 'create', link });
const TUN = create(tunDevice());
const VXLAN = create({ name: 'flannel.1', vxlan: vxlan(2) });
const NO_TUN =
  /there is no \/dev\/net\/tun: `modprobe tun`, or `mkdir -p \/dev\/net && mknod \/dev\/net\/tun c 10 200`$/;

const rows: readonly (readonly [string, KernelOperation, string, string, RegExp])[] = [
  ['a TUN without /dev/net/tun', TUN, 'ENOENT', 'refused', NO_TUN],
  ['a TUN without the driver behind it', TUN, 'ENODEV', 'refused', NO_TUN],
  ['a TUN without privilege', TUN, 'EPERM', 'denied', /CAP_NET_ADMIN, and with access to \/dev\/net\/tun$/],
  ['a TUN that is there', TUN, 'EEXIST', 'refused', /^cannot create link flannel0: .* EEXIST$/],
  ['a VXLAN device without privilege', VXLAN, 'EPERM', 'denied', /with CAP_NET_ADMIN$/],
  ['a VXLAN device without its type', VXLAN, 'EOPNOTSUPP', 'refused', /`modprobe vxlan`$/],
  ['a VXLAN device that is gone', VXLAN, 'ENODEV', 'refused', /answers ENODEV$/],
];
for (const [what, operation, errno, code, message] of rows) {
  test(`${what} (${errno}) is ${code}, and the message says what to do`, (t) => {
    const problem = refusal(operation, kernelError('create', errnoOf(errno)), () => 'eth0');
    t.like(problem, { code, kind: 'link' });
    t.regex(problem.message, message);
  });
}
