// One machine-like place: network and UTS namespace, and for hosts a mount namespace with its own /run,
// /var/lib and machine-id. Anonymous: held by a process that lives as long as our pipe to it, so that
// however we die the namespaces go with us, and nothing ever stands in /run/netns.

import { randomUUID } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LabError } from './errors.js';
import type { Argv, LabProcess, Processes, RunOptions, RunResult, StartOptions } from './processes.js';

// $1 is the host name. The holder waits for the end of its input, then kills whatever still stands in its
// network namespace: also what our processes have started themselves and left behind.
const HOLD = `printf %s "$1" > /proc/sys/kernel/hostname
ip link set lo up
echo ready
cat > /dev/null
set +e
own=$(readlink /proc/self/ns/net)
IFS='
'
round=0
while [ $round -lt 50 ]; do
  round=$((round + 1))
  found=
  for line in $(ls -l /proc/[0-9]*/ns/net 2>/dev/null); do
    case $line in *"> $own")
      pid=\${line#*/proc/}
      pid=\${pid%%/*}
      [ "$pid" = $$ ] || { kill -9 "$pid" 2>/dev/null && found=1; } ;;
    esac
  done
  [ -z "$found" ] && exit 0
done
`;

// $2 is the machine id. Where the machine has no /etc/machine-id to bind over, an overlay gives it one.
// The new sysfs shows this namespace's devices to whoever looks; where it may not be mounted, all else works.
// A host forwards, and filters reverse paths as loosely as Debian's own default does.
const MOUNTS = `set -e
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/lib
if [ -e /etc/machine-id ]; then
  printf '%s\\n' "$2" > /run/machine-id
  mount --bind /run/machine-id /etc/machine-id
else
  mkdir -p /run/.etc/upper /run/.etc/work
  mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/.etc/upper,workdir=/run/.etc/work /etc
  printf '%s\\n' "$2" > /etc/machine-id
fi
mount -t sysfs sysfs /sys 2>/dev/null || :
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter
`;

/** A process inside whose namespaces others are started. */
export interface Holder {
  readonly processes: Processes;
  readonly process: LabProcess;
  readonly name: string;
  readonly mounts: boolean;
}

/** Makes fresh namespaces and waits until they are set up. `mounts`: also its own file trees. */
export async function hold(processes: Processes, name: string, mounts: boolean): Promise<Holder> {
  const kinds = ['--net', '--uts', ...(mounts ? ['--mount', '--propagation', 'private'] : [])];
  const script = mounts ? MOUNTS + HOLD : HOLD;
  const machineId = randomUUID().replaceAll('-', '');
  const command: Argv = ['unshare', ...kinds, 'sh', '-c', script, 'sh', name, machineId];
  const holder = processes.start(command, { endsWithInput: true });
  await new Promise<void>((resolve, reject) => {
    holder.output.onLine((line) => {
      if (line === 'ready') resolve();
    });
    void holder.exited.then(() => {
      const said = holder.output.text();
      reject(new LabError('COMMAND_FAILED', `cannot make namespaces for ${name} (needs root): ${said}`));
    });
  });
  return { processes, process: holder, name, mounts };
}

/** A place commands run in, daemons are started in, and whose files are read and written. */
export class Namespace {
  readonly name: string;
  readonly #holder: Holder;

  constructor(holder: Holder) {
    this.name = holder.name;
    this.#holder = holder;
  }

  /** The pid whose namespaces these are, for nsenter and for /proc. */
  get pid(): number {
    return this.#holder.process.pid;
  }

  get processes(): Processes {
    return this.#holder.processes;
  }

  /** The command that runs `argv` in here, from the machine's own namespaces. */
  enter(argv: Argv): [string, ...string[]] {
    const kinds = ['--net', '--uts', ...(this.#holder.mounts ? ['--mount'] : [])];
    return ['nsenter', '--target', String(this.pid), ...kinds, '--', ...argv];
  }

  /** Runs a command to its end; a non-zero exit is a result. */
  exec(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    return this.processes.run(this.enter([command, ...args]), options);
  }

  /** Runs a command that must succeed and returns its standard output. */
  must(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    return this.processes.must(this.enter([command, ...args]), options);
  }

  /** Runs lines of `ip` arguments in one process; the first one that fails rejects with its message. */
  async ip(lines: readonly string[]): Promise<void> {
    await this.must('ip', ['-batch', '-'], { input: lines.join('\n') + '\n' });
  }

  /** Starts a daemon in here. Its pid is the daemon's own. */
  spawn(command: string, args: readonly string[] = [], options: StartOptions = {}): LabProcess {
    return this.processes.start(this.enter([command, ...args]), options);
  }

  /**
   * Where a file of this place is seen from outside. An absolute symbolic link in that path would lead
   * out again; ask for those with exec('readlink').
   */
  path(file: string): string {
    return `/proc/${this.pid}/root${file}`;
  }

  readFile(file: string): Promise<string> {
    return readFile(this.path(file), 'utf8');
  }

  /**
   * Writes a file, making the folders above it. Not for /proc: a kernel switch written from outside would
   * be turned in the writer's own network namespace.
   */
  async writeFile(file: string, text: string): Promise<void> {
    if (file.startsWith('/proc/')) throw new LabError('COMMAND_FAILED', `${file} is to be set with sysctl`);
    await mkdir(dirname(this.path(file)), { recursive: true });
    await writeFile(this.path(file), text);
  }

  /** Kills everything in here and lets the namespaces go. */
  close(): Promise<void> {
    return this.#holder.process.destroy();
  }
}

/** A place with eth0 on the wire. */
export class Station extends Namespace {
  readonly address: string;

  constructor(holder: Holder, address: string) {
    super(holder);
    this.address = address;
  }
}
