// The plugin in this process, without namespaces: a folder for its files, and a delegate that is a script, which writes down
// how it was called and does as the test wants. What stands there is told as text.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { runPlugin } from '../../src/cni/plugin.js';
import { tempFolder } from '../helpers/temp-folder.js';

export const ENV = envOf('10.1.0.0/16', '10.1.17.1/24');
export const RESULT = '{"cniVersion":"1.0.0","ips":[{"address":"10.1.17.2/24"}]}';

export function envOf(network: string, subnet: string): string {
  return `FLANNEL_NETWORK=${network}\nFLANNEL_SUBNET=${subnet}\nFLANNEL_MTU=1472\nFLANNEL_IPMASQ=true\n`;
}

// `$0.<COMMAND>` is what the delegate does instead of its work. Everything it is told goes to a file of its own.
const DELEGATE = `#!/bin/sh
n=$(ls "$CALLS" | wc -l)
{ echo "$CNI_COMMAND"; echo "$CNI_CONTAINERID"; echo "$CNI_IFNAME"; echo "$CNI_NETNS"; cat; } > "$CALLS/$n"
[ -e "$0.$CNI_COMMAND" ] && { . "$0.$CNI_COMMAND"; }
case $CNI_COMMAND in
  ADD) echo '${RESULT}';;
  VERSION) echo '{"cniVersion":"1.1.0","supportedVersions":["0.4.0","1.0.0","1.1.0"]}';;
esac
exit 0
`;

export interface DelegateCallSeen {
  readonly command: string;
  readonly containerId: string;
  readonly ifname: string;
  readonly netns: string;
  readonly conf: string;
}

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  /** The specification's error, where the plugin said one. */
  readonly error: {
    readonly code: number;
    readonly msg: string;
    readonly details: string;
    readonly cniVersion: string;
  };
  /** What it said on stderr. */
  readonly told: string;
}

export interface CallWishes {
  readonly containerId?: string;
  readonly ifname?: string;
  readonly netns?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class World {
  readonly folder: string;
  readonly dataDir: string;
  readonly subnetFile: string;
  /** A file that stands for the container's network namespace. */
  readonly netns: string;
  readonly bin: string;
  readonly usesRoot: string;

  /** With an env file, and a delegate `bridge` that works. */
  static async create(t: ExecutionContext): Promise<World> {
    return new World(await tempFolder(t));
  }

  private constructor(folder: string) {
    this.folder = folder;
    this.dataDir = join(folder, 'data');
    this.subnetFile = join(folder, 'subnet.env');
    this.netns = join(folder, 'netns');
    this.bin = join(folder, 'bin');
    this.usesRoot = join(folder, 'uses');
    for (const name of ['bin', 'calls']) mkdirSync(join(folder, name));
    writeFileSync(this.subnetFile, ENV);
    writeFileSync(this.netns, '');
    this.plugin('bridge');
  }

  /** Puts a delegate there. */
  plugin(name: string, script = DELEGATE): void {
    writeFileSync(join(this.bin, name), script);
    chmodSync(join(this.bin, name), 0o755);
  }

  /** What `bridge` does at a command instead of its work, in sh; undefined: its work again. */
  wish(command: string, script: string | undefined): void {
    const path = join(this.bin, `bridge.${command}`);
    if (script === undefined) rmSync(path, { force: true });
    else writeFileSync(path, script);
  }

  /** One call of the plugin. `conf` as text is sent to the letter. */
  call(command: string, conf: object | string = {}, wishes: CallWishes = {}): Answer {
    const { containerId = 'c0ffee', ifname = 'eth0', netns = this.netns } = wishes;
    const told: string[] = [];
    const text = typeof conf === 'string' ? conf : JSON.stringify({ ...this.conf(), ...conf });
    const outcome = runPlugin({
      env: {
        PATH: process.env['PATH'],
        CALLS: join(this.folder, 'calls'),
        CNI_COMMAND: command,
        CNI_CONTAINERID: containerId,
        CNI_IFNAME: ifname,
        CNI_NETNS: netns,
        CNI_PATH: this.bin,
        ...wishes.env,
      },
      readConfig: () => text,
      tell: (line) => told.push(line),
      passOn: (bytes) => told.push(bytes.toString()),
      pause: (ms) => {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
      },
      usesRoot: this.usesRoot,
      subnetDir: join(this.folder, 'networks'),
      version: '1.2.3',
    });
    const {
      code = 0,
      msg = '',
      details = '',
      cniVersion = '',
    } = JSON.parse(outcome.stdout || '{}') as Partial<Answer['error']>;
    return { ...outcome, error: { code, msg, details, cniVersion }, told: told.join('\n') };
  }

  conf(): object {
    return {
      cniVersion: '1.0.0',
      name: 'cbr0',
      type: 'flannel',
      subnetFile: this.subnetFile,
      dataDir: this.dataDir,
    };
  }

  /** How the delegate was called, in order. */
  calls(): readonly DelegateCallSeen[] {
    const folder = join(this.folder, 'calls');
    return readdirSync(folder)
      .sort((a, b) => Number(a) - Number(b))
      .map((name) => {
        const [command = '', containerId = '', ifname = '', netns = '', ...rest] = readFileSync(
          join(folder, name),
          'utf8',
        ).split('\n');
        return { command, containerId, ifname, netns, conf: rest.join('\n') };
      });
  }

  /** The commands the delegate was given, in order. */
  commands(): string {
    return this.calls()
      .map(({ command }) => command)
      .join(' ');
  }

  /** What is kept of attachments. */
  state(): readonly string[] {
    return existsSync(this.dataDir) ? readdirSync(this.dataDir).sort() : [];
  }

  uses(): readonly string[] {
    if (!existsSync(this.usesRoot)) return [];
    return readdirSync(this.usesRoot)
      .flatMap((name) => readdirSync(join(this.usesRoot, name)))
      .sort();
  }

  stateFile(name: string): string {
    return join(this.dataDir, name);
  }
}
