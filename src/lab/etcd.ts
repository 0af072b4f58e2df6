// Starts and stops a real etcd as a child process, for the demo, tests and benches: own data directory, own ports,
// gone with its parent (one that is killed leaves the data directory behind). Not the daemon's client (src/etcd).

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { freePorts } from './ports.js';

export interface LabEtcdOptions {
  /** The program; `etcd` on the path unless given. */
  readonly binary?: string;
  /** The address clients and peers use; loopback unless given. */
  readonly address?: string;
  /** Ports for clients, peers and health. Free ones are chosen unless given; inside a namespace, give them. */
  readonly clientPort?: number;
  readonly peerPort?: number;
  readonly healthPort?: number;
  /** Its name in a cluster, and that cluster as `--initial-cluster` wants it; a cluster of its own unless given. */
  readonly member?: { readonly name: string; readonly initialCluster: string };
  /** A command that runs its arguments elsewhere, such as `['nsenter', '-t', '4711', '-n']`. */
  readonly commandPrefix?: readonly string[];
  /** Serves TLS; a CA file here makes client certificates mandatory. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string };
  /** Further arguments, after ours. */
  readonly extraArguments?: readonly string[];
  /** How long it may take until it answers; 15 s unless given. */
  readonly startTimeoutMs?: number;
}

export interface LabEtcd {
  /** What to give a client: `http://127.0.0.1:34567`. */
  readonly endpoint: string;
  /** Where it tells its metrics, as plain HTTP. */
  readonly metricsUrl: string;
  /** The process id of etcd itself. */
  readonly pid: number;
  /** Ends the process, with SIGKILL unless told otherwise; data directory and ports stay. Resolves when it is gone. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Starts it again on the same data and ports, after kill. */
  start(): Promise<void>;
  /** SIGSTOP: alive to the kernel, dead to its clients. */
  freeze(): Promise<void>;
  /** SIGCONT. */
  thaw(): void;
  /** Kills the process and removes its data. May be called again. */
  stop(): Promise<void>;
}

/** etcd could not be started; the message says why and what to do. */
export class LabEtcdError extends Error {
  readonly code: 'binary-missing' | 'no-start';

  constructor(code: 'binary-missing' | 'no-start', message: string) {
    super(message);
    this.name = 'LabEtcdError';
    this.code = code;
  }
}

/** Starts etcd and resolves when it answers. Throws LabEtcdError. */
export async function startEtcd(options: LabEtcdOptions = {}): Promise<LabEtcd> {
  const lab = await prepareEtcd(options);
  try {
    await lab.start();
    return lab;
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

/** Like startEtcd, but does not start it yet. `stop` removes what there is of it. */
export async function prepareEtcd(options: LabEtcdOptions): Promise<LabEtcd> {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'flanneld-etcd-'));
  try {
    return new EtcdProcess(dataDirectory, await commandLine(options, dataDirectory), options);
  } catch (error) {
    await rm(dataDirectory, { recursive: true, force: true });
    throw error;
  }
}

interface CommandLine {
  readonly endpoint: string;
  /** The address of health and metrics, without a path. */
  readonly healthUrl: string;
  readonly words: readonly string[];
}

async function commandLine(options: LabEtcdOptions, dataDirectory: string): Promise<CommandLine> {
  const address = options.address ?? '127.0.0.1';
  const host = address.includes(':') ? `[${address}]` : address;
  const [clientPort, peerPort, healthPort] = await choosePorts(options, address);
  const { tls } = options;
  const endpoint = `${tls === undefined ? 'http' : 'https'}://${host}:${clientPort}`;
  const peer = `http://${host}:${peerPort}`;
  const { name, initialCluster } = options.member ?? { name: 'lab', initialCluster: `lab=${peer}` };
  // Plain HTTP whatever the clients speak, so that asking for its health needs no certificate.
  const healthUrl = `http://${host}:${healthPort}`;
  const words = [
    // The signal follows the last exec, so whatever stands before etcd must exec and not fork.
    ...['setpriv', '--pdeathsig', 'KILL', '--', options.binary ?? 'etcd'],
    ...['--name', name, '--data-dir', dataDirectory, '--log-level', 'error', '--logger', 'zap'],
    ...['--listen-client-urls', endpoint, '--advertise-client-urls', endpoint],
    ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
    ...['--initial-cluster', initialCluster, '--listen-metrics-urls', healthUrl],
  ];
  if (tls !== undefined) words.push('--cert-file', tls.certFile, '--key-file', tls.keyFile);
  if (tls?.clientCaFile !== undefined)
    words.push('--client-cert-auth', '--trusted-ca-file', tls.clientCaFile);
  words.push(...(options.extraArguments ?? []));
  return { endpoint, healthUrl, words: [...(options.commandPrefix ?? []), ...words] };
}

/** Ports for clients, peers and health: given, etcd's own where a command prefix leads elsewhere, or free ones. */
async function choosePorts(options: LabEtcdOptions, address: string): Promise<[number, number, number]> {
  if (options.commandPrefix !== undefined) {
    const client = options.clientPort ?? 2379;
    return [client, options.peerPort ?? client + 1, options.healthPort ?? client + 2];
  }
  const [client = 0, peer = 0, health = 0] = await freePorts(address, 3);
  return [options.clientPort ?? client, options.peerPort ?? peer, options.healthPort ?? health];
}

/** Asks for etcd's health until it is good, from wherever the command prefix leads. Ends with 0, or 1 when late. */
const PROBE = `
const [url, ms] = process.argv.slice(1);
const end = Date.now() + Number(ms);
const again = () => { if (Date.now() > end) process.exit(1); setTimeout(ask, 20); };
const ask = () => require('node:http').get(url, { timeout: 1000, agent: false }, (answer) => {
  let body = '';
  answer.on('data', (part) => { body += part; });
  answer.on('end', () => { if (/"health": *"true"/.test(body)) process.exit(0); again(); });
}).on('error', again);
ask();
`;

class EtcdProcess implements LabEtcd {
  readonly endpoint: string;
  readonly metricsUrl: string;
  readonly #dataDirectory: string;
  readonly #command: CommandLine;
  readonly #options: LabEtcdOptions;
  #child: ChildProcess | undefined;
  #errors = '';

  constructor(dataDirectory: string, command: CommandLine, options: LabEtcdOptions) {
    this.endpoint = command.endpoint;
    this.metricsUrl = `${command.healthUrl}/metrics`;
    this.#dataDirectory = dataDirectory;
    this.#command = command;
    this.#options = options;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new LabEtcdError('no-start', 'etcd is not running');
    return pid;
  }

  async start(): Promise<void> {
    if (this.#child !== undefined) throw new LabEtcdError('no-start', 'etcd is running already');
    requireBinary(this.#options.binary ?? 'etcd', 'apt-get install etcd-server');
    requireBinary('setpriv', 'apt-get install util-linux');
    this.#errors = '';
    const child = launch(this.#command.words);
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2000);
    });
    const timeoutMs = this.#options.startTimeoutMs ?? 15_000;
    const probeWords = [
      process.execPath,
      '-e',
      PROBE,
      `${this.#command.healthUrl}/health`,
      String(timeoutMs),
    ];
    const probe = launch([...(this.#options.commandPrefix ?? []), ...probeWords]);
    const outcome = await Promise.race([exitOf(probe), exitOf(child).then(() => 'gone' as const)]);
    if (outcome === 0) return;
    probe.kill('SIGKILL');
    await this.kill();
    const what = outcome === 'gone' ? 'ended at once' : `did not answer within ${timeoutMs / 1000} s`;
    throw new LabEtcdError(
      'no-start',
      `etcd ${what}: ${this.#command.words.join(' ')}\n${this.#errors.trim()}`,
    );
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const gone = exitOf(child);
    // SIGKILL also ends a process that is stopped.
    child.kill(signal);
    await gone;
  }

  async freeze(): Promise<void> {
    process.kill(this.pid, 'SIGSTOP');
    // Each thread stops when it next passes through the kernel; until the last has, answers may still come.
    while (!threadsAreStopped(this.pid)) await delay(1);
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#dataDirectory, { recursive: true, force: true });
  }
}

function launch(words: readonly string[]): ChildProcess {
  const [command = '', ...rest] = words;
  return spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** The exit code, or undefined when a signal ended it or it could not be started. */
function exitOf(child: ChildProcess): Promise<number | undefined> {
  if (child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve(child.exitCode ?? undefined);
  return new Promise((resolve) => {
    child.once('exit', (code) => {
      resolve(code ?? undefined);
    });
    child.once('error', () => {
      resolve(undefined);
    });
  });
}

function requireBinary(name: string, remedy: string): void {
  const folders = name.includes('/') ? ['/'] : (process.env['PATH'] ?? '').split(delimiter);
  if (folders.some((folder) => folder !== '' && existsSync(join(folder, name)))) return;
  throw new LabEtcdError('binary-missing', `the program ${name} is not installed; try: ${remedy}`);
}

/** proc(5): the state is the first field after the command, which stands in parentheses and may hold any character. */
function threadsAreStopped(pid: number): boolean {
  return readdirSync(`/proc/${pid}/task`).every((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .startsWith('T'),
  );
}
