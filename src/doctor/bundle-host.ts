// The parts of a support bundle that tell of the host: kernel state by its tools, files of ours, systemd. Only a list.

import { join } from 'node:path';
import { FLAGS } from '../flanneld/flags.js';
import type { ToolRunner } from '../kernel/tool.js';
import type { DaemonFacts, Place } from './facts.js';
import { fileName, filePart, toolPart, type BundlePart } from './bundle.js';
import { namesIn } from './read-text.js';

const UNIT = 'flanneld';
const JOURNAL_LINES = '5000';

/** What `ip` and its like say, in the words everybody knows. */
export function kernelParts(tool: Pick<ToolRunner, 'run'>, places: readonly Place[]): readonly BundlePart[] {
  const part = (name: string, command: string, ...args: readonly string[]): BundlePart =>
    toolPart(`kernel/${name}.txt`, tool, command, ...args);
  const devices = [...new Set(places.flatMap(({ device, interface: below }) => [device, below?.name]))];
  return [
    part('links', 'ip', '-details', '-statistics', 'link'),
    part('addresses', 'ip', 'address'),
    part('routes', 'ip', 'route', 'show', 'table', 'all'),
    part('rules', 'ip', 'rule'),
    part('neighbours', 'ip', '-statistics', 'neighbour'),
    part('fdb', 'bridge', 'fdb'),
    part('nft', 'nft', 'list', 'ruleset'),
    part('iptables', 'iptables-save', '-c'),
    part('iptables-legacy', 'iptables-legacy-save', '-c'),
    part('sockets', 'ss', '-uanp'),
    ...devices.flatMap((device) =>
      device === undefined ? [] : [part(`offload-${fileName(device)}`, 'ethtool', '-k', device)],
    ),
    ...['version', 'modules', 'net/snmp', 'net/udp', 'net/stat/arp_cache', 'net/softnet_stat', 'meminfo'].map(
      (path) => filePart(`kernel/proc-${fileName(path)}.txt`, `/proc/${path}`),
    ),
  ];
}

export function systemParts(tool: Pick<ToolRunner, 'run'>): readonly BundlePart[] {
  const part = (name: string, command: string, ...args: readonly string[]): BundlePart =>
    toolPart(`system/${name}.txt`, tool, command, ...args);
  return [
    part('unit', 'systemctl', 'cat', UNIT, '--no-pager'),
    part('unit-status', 'systemctl', 'status', UNIT, '--no-pager', '--full', '--lines=0'),
    part('journal', 'journalctl', '-u', UNIT, '-n', JOURNAL_LINES, '--no-pager', '-o', 'short-iso'),
    part('networkctl', 'networkctl', 'status', '--all', '--no-pager'),
    part('nmcli', 'nmcli', 'device'),
    filePart('system/etc-default-flanneld.txt', '/etc/default/flanneld'),
    filePart('system/os-release.txt', '/etc/os-release'),
  ];
}

/** Env and status files, snapshots of the state folder, CNI configs. */
export async function fileParts(daemons: DaemonFacts | undefined): Promise<readonly BundlePart[]> {
  const told = (name: 'subnet-file' | 'subnet-dir' | 'state-dir'): readonly string[] => {
    const values = (daemons?.answering ?? []).map(({ options }) => options[name]);
    const texts = values.filter((value) => typeof value === 'string').filter((value) => value !== '');
    return texts.length === 0 ? [FLAGS[name].default] : [...new Set(texts)];
  };
  const parts: BundlePart[] = [];
  const add = async (folder: string, wanted: RegExp, into: string): Promise<void> => {
    for (const name of await namesIn(folder))
      if (wanted.test(name)) parts.push(filePart(`files/${into}${fileName(name)}`, join(folder, name)));
  };
  for (const file of told('subnet-file')) parts.push(filePart(`files/${fileName(file)}`, file));
  for (const folder of told('subnet-dir')) await add(folder, /\.(env|status\.json)$/, 'networks-');
  for (const folder of told('state-dir'))
    for (const network of await namesIn(folder))
      await add(join(folder, network), /^(instance|snapshot\.json)(\.bad)?$/, `state-${fileName(network)}-`);
  await add('/etc/cni/net.d', /\.(conf|conflist|json)$/, 'cni-');
  return parts;
}
