// Plays a container runtime towards CNI plugins: one plugin, a list of them with the results handed on, and a list of
// delegates as multus of the old guides ran it. What the plugins say is passed on as it is.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export type PluginConf = Readonly<Record<string, unknown>> & { readonly type: string };

/** A conflist. `capabilities` of a plugin decide which runtimeConfig it is given. */
export interface NetworkList {
  readonly cniVersion: string;
  readonly name: string;
  readonly plugins: readonly PluginConf[];
}

export interface Attachment {
  readonly containerId: string;
  readonly ifname: string;
  readonly netns: string;
}

export interface PluginOutcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of a result, what the tests look at; version 0.3.0 and later. */
export interface CniResult {
  readonly cniVersion?: string;
  readonly interfaces?: readonly { readonly name: string; readonly sandbox?: string }[];
  readonly ips?: readonly { readonly address: string; readonly gateway?: string }[];
  /** Before 0.3.0. */
  readonly ip4?: { readonly ip: string };
}

/** A plugin said no; the fields are the specification's. */
export class PluginError extends Error {
  readonly code: number;
  readonly details: string;

  constructor(type: string, outcome: PluginOutcome) {
    const { code, msg, details } = parsed(outcome.stdout);
    super(
      `${type}: ${typeof msg === 'string' ? msg : `${String(outcome.code ?? outcome.signal)} ${outcome.stderr}`}`,
    );
    this.name = 'PluginError';
    this.code = typeof code === 'number' ? code : -1;
    this.details = typeof details === 'string' ? details : '';
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

export interface RuntimeOptions {
  /** The folders with plugins, in the order of CNI_PATH. */
  readonly path: readonly string[];
  /** How a command is run on the host in question; as it is when not given. */
  readonly enter?: (argv: readonly [string, ...string[]]) => readonly [string, ...string[]];
  /** More of the environment, for every plugin. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CallOptions {
  /** Called with the pid as soon as the plugin runs, to disturb it. */
  readonly started?: (pid: number) => void;
  readonly env?: Readonly<Record<string, string>>;
}

const asItIs: NonNullable<RuntimeOptions['enter']> = (argv) => argv;

type Command = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS' | 'VERSION';

/** Bytes a plugin prints are small; nothing here is bounded. */
export class CniRuntime {
  readonly #options: RuntimeOptions;

  constructor(options: RuntimeOptions) {
    this.#options = options;
  }

  /** Runs one plugin to its end, whatever that is. `conf` as text is sent to the letter. */
  run(
    command: Command,
    type: string,
    conf: object | string,
    attachment?: Partial<Attachment>,
    options: CallOptions = {},
  ): Promise<PluginOutcome> {
    const { path, enter = asItIs, env } = this.#options;
    const program = path.map((folder) => join(folder, type)).find((file) => existsSync(file)) ?? type;
    const [file, ...args] = enter([program]);
    const child = spawn(file, args, {
      env: {
        PATH: process.env['PATH'],
        ...env,
        CNI_COMMAND: command,
        CNI_PATH: path.join(':'),
        ...(attachment?.containerId === undefined ? {} : { CNI_CONTAINERID: attachment.containerId }),
        ...(attachment?.ifname === undefined ? {} : { CNI_IFNAME: attachment.ifname }),
        ...(attachment?.netns === undefined ? {} : { CNI_NETNS: attachment.netns }),
        ...options.env,
      },
      stdio: 'pipe',
    });
    if (child.pid !== undefined) options.started?.(child.pid);
    // A plugin that ends before it has read is told by its exit.
    child.stdin.on('error', () => undefined);
    child.stdin.end(typeof conf === 'string' ? conf : JSON.stringify(conf));
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      return () => Buffer.concat(chunks).toString('utf8');
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        resolve({ code, signal, stdout: stdout?.() ?? '', stderr: stderr?.() ?? '' });
      });
    });
  }

  /** Runs one plugin that must succeed; rejects with PluginError. */
  async must(
    command: Command,
    conf: PluginConf,
    attachment?: Partial<Attachment>,
    options: CallOptions = {},
  ): Promise<string> {
    const outcome = await this.run(command, conf.type, conf, attachment, options);
    if (outcome.code !== 0) throw new PluginError(conf.type, outcome);
    return outcome.stdout;
  }

  /** ADD of every plugin in order; on a failure DEL of all, as runtimes do. Resolves to the last one's result. */
  async add(list: NetworkList, attachment: Attachment, capabilities: object = {}): Promise<CniResult> {
    let result: CniResult | undefined;
    for (const plugin of list.plugins) {
      const conf = confOf(list, plugin, capabilities, result);
      result = JSON.parse(await this.must('ADD', conf, attachment)) as CniResult;
    }
    if (result === undefined) throw new Error('a list without plugins');
    return result;
  }

  /** CHECK of every plugin in order, with the last result. */
  async check(
    list: NetworkList,
    attachment: Attachment,
    result: CniResult,
    capabilities: object = {},
  ): Promise<void> {
    for (const plugin of list.plugins)
      await this.must('CHECK', confOf(list, plugin, capabilities, result), attachment);
  }

  /** DEL of every plugin, the last first. */
  async del(
    list: NetworkList,
    attachment: Attachment,
    result?: CniResult,
    capabilities: object = {},
  ): Promise<void> {
    for (const plugin of list.plugins.toReversed())
      await this.must('DEL', confOf(list, plugin, capabilities, result), attachment);
  }

  /** GC of every plugin, with the attachments that are to stay. */
  async gc(list: NetworkList, valid: readonly Attachment[]): Promise<void> {
    const attachments = valid.map(({ containerId, ifname }) => ({ containerID: containerId, ifname }));
    for (const plugin of list.plugins)
      await this.must('GC', { ...confOf(list, plugin, {}), 'cni.dev/valid-attachments': attachments });
  }

  async status(list: NetworkList): Promise<void> {
    for (const plugin of list.plugins) await this.must('STATUS', confOf(list, plugin, {}));
  }
}

function confOf(list: NetworkList, plugin: PluginConf, capabilities: object, result?: CniResult): PluginConf {
  const { capabilities: declared, ...rest } = plugin;
  const runtimeConfig = Object.fromEntries(
    Object.entries(capabilities).filter(
      ([name]) => (declared as Record<string, boolean> | undefined)?.[name] === true,
    ),
  );
  return {
    ...rest,
    cniVersion: list.cniVersion,
    name: list.name,
    ...(Object.keys(runtimeConfig).length === 0 ? {} : { runtimeConfig }),
    ...(result === undefined ? {} : { prevResult: result }),
  };
}

/** A config of multus as the old guides have it: several networks in one, one of them the master. */
export interface MultusConf {
  readonly name: string;
  readonly type: 'multus';
  readonly delegates: readonly (PluginConf & { readonly masterplugin?: boolean })[];
}

/** Multus, version 1: the master gets eth0, the others net0, net1, … in their order; each delegate's config as it stands. */
export class Multus {
  readonly #runtime: CniRuntime;

  constructor(runtime: CniRuntime) {
    this.#runtime = runtime;
  }

  /** The interfaces a pod gets, and by which delegate; the master first. */
  static interfaces(conf: MultusConf): readonly (readonly [ifname: string, delegate: PluginConf])[] {
    const master = conf.delegates.find(({ masterplugin }) => masterplugin === true);
    const others = conf.delegates.filter((delegate) => delegate !== master);
    const all: (readonly [string, PluginConf])[] = others.map((delegate, index) => [`net${index}`, delegate]);
    return master === undefined ? all : [['eth0', master], ...all];
  }

  /** Resolves to the results by interface. */
  async add(conf: MultusConf, pod: Omit<Attachment, 'ifname'>): Promise<ReadonlyMap<string, CniResult>> {
    const results = new Map<string, CniResult>();
    for (const [ifname, delegate] of Multus.interfaces(conf)) {
      const text = await this.#runtime.must('ADD', delegate, { ...pod, ifname });
      results.set(ifname, JSON.parse(text) as CniResult);
    }
    return results;
  }

  /** The last interface first. */
  async del(conf: MultusConf, pod: Omit<Attachment, 'ifname'>): Promise<void> {
    for (const [ifname, delegate] of Multus.interfaces(conf).toReversed())
      await this.#runtime.must('DEL', delegate, { ...pod, ifname });
  }
}
