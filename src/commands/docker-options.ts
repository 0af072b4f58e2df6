// An env file → the text that dockerd's service reads: upstream's mk-docker-opts.sh, line for line. Pure. The script sources
// the file; here its lines are read, and only values that can be what they should be are passed on.

import { networkOf, parseCidr, type Cidr } from '../subnet/cidr.js';
import { CommandError } from './errors.js';

export interface DockerOptionsFlags {
  readonly individual: boolean;
  readonly combined: boolean;
  /** Name of the combined variable. */
  readonly key: string;
  readonly withoutMasq: boolean;
}

export interface DockerOptions {
  readonly text: string;
  /** The subnet that the bridge will have. */
  readonly subnet: Cidr | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Variables DOCKER_OPT_* and the combined one of the environment are added to, as the script does. `source` is for messages.
 * Throws CommandError `command-failed` for a value that is none.
 */
export function dockerOptions(
  envFile: string,
  source: string,
  environment: Environment,
  flags: DockerOptionsFlags,
): DockerOptions {
  const { subnet, options } = optionsOf(variablesIn(envFile), source, flags.withoutMasq);
  const inherited = Object.entries(environment).filter(([name]) => /^DOCKER_OPT_\w+$/.test(name));
  const sorted = [...new Map([...inherited, ...options])].sort(([a], [b]) => (a < b ? -1 : 1));
  const given = environment[flags.key] ?? '';
  const all = sorted.map(([, value = '']) => ` ${value}`).join('');
  const lines = [
    ...(flags.individual ? sorted.map(([name, value = '']) => line(name, value)) : []),
    ...(flags.combined ? [line(flags.key, `${given === '' ? '' : `${given} `}${all}`)] : []),
  ];
  return { text: lines.join(''), subnet };
}

type Variables = ReadonlyMap<string, string>;

function optionsOf(
  values: Variables,
  source: string,
  withoutMasq: boolean,
): { readonly subnet: Cidr | undefined; readonly options: Variables } {
  const [subnet, mtu] = [values.get('FLANNEL_SUBNET') ?? '', values.get('FLANNEL_MTU') ?? ''];
  const parsed = parseCidr(subnet);
  if (subnet !== '' && parsed === undefined) throw invalid('FLANNEL_SUBNET', subnet, source);
  if (!/^\d{0,10}$/.test(mtu)) throw invalid('FLANNEL_MTU', mtu, source);
  if (subnet === '' && mtu === '')
    throw new CommandError('command-failed', `${source} has neither FLANNEL_SUBNET nor FLANNEL_MTU`);
  const masq = withoutMasq ? '' : masqOf(values.get('FLANNEL_IPMASQ') ?? '', source);
  const options = [
    ['DOCKER_OPT_BIP', subnet === '' ? '' : `--bip=${subnet}`],
    ['DOCKER_OPT_IPMASQ', masq],
    ['DOCKER_OPT_MTU', mtu === '' ? '' : `--mtu=${mtu}`],
  ] as const;
  return {
    subnet: parsed === undefined ? undefined : networkOf(parsed),
    options: new Map(options.filter(([, value]) => value !== '')),
  };
}

/** dockerd is to masquerade when flanneld does not. */
function masqOf(ipMasq: string, source: string): string {
  if (ipMasq === '') return '';
  if (ipMasq === 'true') return '--ip-masq=false';
  if (ipMasq === 'false') return '--ip-masq=true';
  throw invalid('FLANNEL_IPMASQ', ipMasq, source);
}

function invalid(name: string, value: string, source: string): CommandError {
  const shown = JSON.stringify(value.slice(0, 100)).slice(1, -1);
  return new CommandError('command-failed', `Invalid value of ${name}: ${shown} (${source})`);
}

/** One line of a file that a shell or a service manager reads: what would end the quotes is refused. */
function line(name: string, value: string): string {
  if (/["`\\$\0-\x1f]/.test(value))
    throw new CommandError(
      'command-failed',
      `${name} cannot be written: it holds quotes, $, \\ or control characters`,
    );
  return `${name}="${value}"\n`;
}

function variablesIn(text: string): Variables {
  const values = new Map<string, string>();
  for (const row of text.slice(0, 64 * 1024).split('\n')) {
    const [, name, rest = ''] = /^(?:export )?(\w+)=(.*)$/.exec(row.trim()) ?? [];
    const [, double, single, plain] = /^(?:"([^"]*)"|'([^']*)'|([^\s#]*))/.exec(rest) ?? [];
    if (name !== undefined) values.set(name, double ?? single ?? plain ?? '');
  }
  return values;
}
