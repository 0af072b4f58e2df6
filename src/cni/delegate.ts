// Running another CNI plugin: found in the folders of CNI_PATH and nowhere else, given its config on stdin and the command in
// its environment, never through a shell. What its error means to us is decided by the caller.

import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { isLine, parseRecord } from '../checked-json.js';
import { isPluginName } from './delegate-conf.js';
import { CniError, errnoOf, systemText } from './errors.js';
import { shown, type Command, type Environment } from './invocation.js';
import type { PluginParts } from './parts.js';

/** A result of a delegate is a kilobyte or two. */
const MAX_OUTPUT_BYTES = 8 * 1024 * 1024;
/** A plugin that is being replaced cannot be executed for a moment; so long do the Go plugins wait for it. */
const BUSY_ATTEMPTS = 5;
const BUSY_PAUSE_MS = 1_000;

export interface DelegateCall {
  readonly command: Command;
  /** As findDelegate() gives it. */
  readonly program: string;
  readonly conf: string;
  /** What differs from our own environment, besides the command. */
  readonly env?: Environment;
}

/** The path of a plugin. Throws CniError `delegate-missing`, `config` for a name that is none. */
export function findDelegate(type: string, cniPath: string): string {
  if (!isPluginName(type)) throw new CniError('config', `invalid plugin name: ${shown(type)}`);
  const folders = cniPath.split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const path = join(resolve(folder), type);
    if (isPlainFile(path)) return path;
  }
  const places = folders.map((folder) => shown(folder).slice(1, -1)).join(' ');
  throw new CniError('delegate-missing', `failed to find plugin ${shown(type)} in path [${places}]`);
}

function isPlainFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    // Whatever the reason, there is nothing to be executed.
    return false;
  }
}

/** Runs the delegate to its end and returns what it printed. Throws CniError: the delegate's own, or `delegate-failed`. */
export function runDelegate(parts: PluginParts, call: DelegateCall): string {
  const result = execute(parts, call);
  // One that could not be started has said nothing, which the types do not know.
  const started = (result.stdout as Buffer | null) !== null;
  if (started && result.stderr.length > 0) parts.passOn(result.stderr);
  if (result.status === 0) return result.stdout.toString('utf8');
  throw failureOf(call.program, result);
}

function execute(
  parts: PluginParts,
  { command, program, conf, env }: DelegateCall,
): SpawnSyncReturns<Buffer> {
  for (let attempt = 1; ; attempt++) {
    const result = spawnSync(program, [], {
      input: conf,
      env: { ...parts.env, ...env, CNI_COMMAND: command },
      maxBuffer: MAX_OUTPUT_BYTES,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    if (errnoOf(result.error) !== 'ETXTBSY' || attempt === BUSY_ATTEMPTS) return result;
    parts.pause(BUSY_PAUSE_MS);
  }
}

function failureOf(
  program: string,
  { status, signal, error, stdout, stderr }: SpawnSyncReturns<Buffer>,
): CniError {
  const failed = (reason: string): CniError => new CniError('delegate-failed', `${program}: ${reason}`);
  if (errnoOf(error) === 'ENOBUFS') return failed(`printed more than ${MAX_OUTPUT_BYTES} bytes`);
  if (error !== undefined && status === null) return failed(`cannot be executed: ${systemText(error)}`);
  if (status === null) return failed(`was killed by ${signal ?? 'a signal'}`);
  const said = errorIn(stdout.toString('utf8'));
  if (said !== undefined) return said;
  const words = oneLine(stderr.toString('utf8')) || oneLine(stdout.toString('utf8'));
  return failed(
    words === ''
      ? `netplugin failed with no error message: exit status ${status}`
      : `netplugin failed: ${words}`,
  );
}

/** The error a plugin printed, if it printed one. */
function errorIn(text: string): CniError | undefined {
  const value = parseRecord(text);
  const [code, message, details] = [value?.['code'], value?.['msg'], value?.['details']];
  if (typeof message !== 'string' || message === '') return undefined;
  const number = Number.isSafeInteger(code) && (code as number) > 0 ? (code as number) : 'delegate-failed';
  return new CniError(number, message.slice(0, 10_000), isLine(details, 10_000) ? details : '');
}

function oneLine(text: string): string {
  return text
    .slice(0, 1_000)
    .replace(/[\0-\x1f\x7f]+/g, ' ')
    .trim();
}
