// A Debian that systemd has booted inside a host of the lab: PID 1 of its own namespaces, in an overlay above a root that stays
// as it is. It shares the host's network alone, and is gone with the host.

import { readFileSync } from 'node:fs';
import type { Host } from '../../src/lab/host.js';
import type { LabProcess, RunResult } from '../../src/lab/processes.js';
import { until } from '../../src/lab/until.js';

/** Where its root is mounted, in its own mount namespace. */
const AT = '/run/debian';
const ENVIRONMENT = ['env', '-i', 'PATH=/usr/sbin:/usr/bin', 'LC_ALL=C', 'DEBIAN_FRONTEND=noninteractive'];

// $1 is the root below the overlay. What systemd expects of whoever starts it in a container: /proc, /sys, /dev, a cgroup of
// version 2, and the name of the container's kind.
const BOOT = `set -e
root=${AT}/root
mkdir -p ${AT}
mount -t tmpfs tmpfs ${AT}
mkdir $root ${AT}/upper ${AT}/work
mount -t overlay overlay -o lowerdir="$1",upperdir=${AT}/upper,workdir=${AT}/work $root
mount -t proc proc $root/proc
mount -t sysfs -o ro sysfs $root/sys
for folder in run tmp; do mount -t tmpfs -o mode=755 tmpfs $root/$folder; done
chmod 1777 $root/tmp
mount -t tmpfs -o mode=755 tmpfs $root/dev
mkdir $root/dev/pts $root/dev/shm $root/dev/net
mount -t devpts devpts $root/dev/pts
mount -t tmpfs -o mode=1777 tmpfs $root/dev/shm
mknod -m 666 $root/dev/null c 1 3
mknod -m 666 $root/dev/zero c 1 5
mknod -m 666 $root/dev/full c 1 7
mknod -m 666 $root/dev/random c 1 8
mknod -m 666 $root/dev/urandom c 1 9
mknod -m 666 $root/dev/tty c 5 0
mknod -m 666 $root/dev/net/tun c 10 200
mount -t tmpfs -o mode=755 tmpfs $root/sys/fs/cgroup
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
exec env -i container=lab PATH=/usr/sbin:/usr/bin chroot $root /usr/lib/systemd/systemd --log-target=console --show-status=0
`;

export class BootedDebian {
  readonly #host: Host;
  readonly #outside: LabProcess;
  #pid = 0;

  private constructor(host: Host, outside: LabProcess) {
    this.#host = host;
    this.#outside = outside;
  }

  /** Boots it and waits until systemd answers. `files`: what is put into it before, by path from its root. */
  static async boot(host: Host, root: string): Promise<BootedDebian> {
    const kinds = ['--mount', '--pid', '--uts', '--ipc', '--cgroup', '--fork', '--kill-child=KILL'];
    const outside = host.spawn('unshare', [...kinds, 'sh', '-c', BOOT, 'sh', root]);
    const debian = new BootedDebian(host, outside);
    await until(() => debian.#boots(), {
      what: 'systemd to boot',
      timeoutMs: 60_000,
      intervalMs: 100,
      state: () => outside.output.text(),
    });
    return debian;
  }

  async #boots(): Promise<boolean> {
    if (this.#outside.exit !== undefined) throw new Error(`it ended: ${this.#outside.output.text()}`);
    const { pid } = this.#outside;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    if (children === '') return false;
    this.#pid = Number(children.split(' ')[0]);
    const { stdout } = await this.run('systemctl', ['is-system-running']);
    // Degraded: modules cannot be loaded from within a container.
    return /^(running|degraded)/.test(stdout);
  }

  /** Where a file of it is seen from outside. */
  path(file: string): string {
    return `/proc/${this.#pid}/root${file}`;
  }

  /** Runs a command in it to its end. */
  run(command: string, args: readonly string[] = [], timeoutMs = 60_000): Promise<RunResult> {
    const enter = ['-t', String(this.#pid), '-m', '-p', '-u', '-i', '-C', 'chroot', `${AT}/root`];
    return this.#host.exec('nsenter', [...enter, ...ENVIRONMENT, command, ...args], { timeoutMs });
  }

  /** Runs a command in it that must succeed; what it printed. */
  async must(command: string, args: readonly string[] = []): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, args);
    if (code === 0) return `${stdout}${stderr}`;
    const journal = await this.run('journalctl', ['-n', '20', '--no-pager', '-o', 'cat']);
    const log = journal.stdout.split('\n').map((line) => line.slice(0, 400));
    throw new Error(
      `${command} ${args.join(' ')}: exit ${String(code)}: ${stdout}${stderr}\n${log.join('\n')}`,
    );
  }

  /** Ends it and everything in it. */
  async close(): Promise<void> {
    await this.#outside.destroy();
  }
}
