// What the files of NetworkManager and systemd-networkd say of one device. Pure; who reads the files is facts-managers.ts.

import { matchesGlob, readIni, valuesOf, type IniEntry } from './ini.js';

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

export interface DeviceKind {
  readonly name: string;
  /** `vxlan`, `tun`; empty for a physical one. */
  readonly kind: string;
}

/** The file by which NetworkManager leaves the device alone. A later file overrules an earlier one, `+=` adds. */
export function unmanagedBy(files: readonly ConfigFile[], device: string): string | undefined {
  let found: string | undefined;
  for (const { path, text } of files) {
    const entries = readIni(text);
    for (const { section, key, value } of entries) {
      if (section !== 'keyfile' || !/^unmanaged-devices\+?$/.test(key)) continue;
      if (namesDevice(value, device)) found = path;
      else if (key === 'unmanaged-devices') found = undefined;
    }
    if (deviceSections(entries).some((section) => leavesAlone(entries, section, device))) found = path;
  }
  return found;
}

function deviceSections(entries: readonly IniEntry[]): readonly string[] {
  return [
    ...new Set(entries.map(({ section }) => section).filter((section) => section.startsWith('device'))),
  ];
}

function leavesAlone(entries: readonly IniEntry[], section: string, device: string): boolean {
  const managed = valuesOf(entries, section, 'managed').at(-1);
  const match = valuesOf(entries, section, 'match-device').at(-1);
  return /^(0|no|false|off)$/.test(managed ?? '') && match !== undefined && namesDevice(match, device);
}

/** `interface-name:flannel*;except:…`: an exception wins. */
function namesDevice(list: string, device: string): boolean {
  const specs = list.split(/[;,]/).map((spec) => spec.trim());
  const names = (spec: string): boolean => {
    if (spec === '*') return true;
    const glob = /^interface-name:=?(.+)$/.exec(spec)?.[1];
    return glob !== undefined && matchesGlob(glob, device);
  };
  const excepted = specs.some((spec) => spec.startsWith('except:') && names(spec.slice('except:'.length)));
  return !excepted && specs.some(names);
}

/** The first .network file, in the order of their names, that is for this device. */
export function networkFileOf(
  files: readonly ConfigFile[],
  device: DeviceKind,
): { readonly file: string; readonly unmanaged: boolean } | undefined {
  for (const { path, text } of files) {
    const entries = readIni(text);
    if (!matchesDevice(entries, device)) continue;
    const unmanaged = /^(1|yes|true|on)$/i.test(valuesOf(entries, 'Link', 'Unmanaged').at(-1) ?? '');
    return { file: path, unmanaged };
  }
  return undefined;
}

/** Every condition has to hold, and one that cannot be judged from here counts as not holding. */
function matchesDevice(entries: readonly IniEntry[], { name, kind }: DeviceKind): boolean {
  const keys = new Set(entries.filter(({ section }) => section === 'Match').map(({ key }) => key));
  const values: Readonly<Record<string, string>> = {
    Name: name,
    Kind: kind,
    Type: kind === '' ? 'ether' : kind,
  };
  return (
    keys.size > 0 &&
    [...keys].every((key) => {
      const value = values[key];
      const globs = valuesOf(entries, 'Match', key)
        .join(' ')
        .split(/\s+/)
        .filter((glob) => glob !== '');
      return value !== undefined && matchesOne(globs, value);
    })
  );
}

/** `!` before the first glob turns the whole list round. */
function matchesOne(globs: readonly string[], value: string): boolean {
  const [first = '', ...rest] = globs;
  const negated = first.startsWith('!');
  const found = [negated ? first.slice(1) : first, ...rest].some((glob) => matchesGlob(glob, value));
  return found !== negated;
}

/** ManageForeignRoutes of networkd.conf and what lies beside it: a later file overrules. */
export function keepsForeignRoutes(files: readonly ConfigFile[]): boolean {
  const values = files.flatMap(({ text }) => valuesOf(readIni(text), 'Network', 'ManageForeignRoutes'));
  return /^(0|no|false|off)$/i.test(values.at(-1) ?? '');
}
