// What the dataplane bench compares: one row a subject, with what it needs to be there. Sets nothing up (scenes.ts).

import { spawnSync } from 'node:child_process';
import type { Argv } from '../src/lab/processes.js';
import { findUpstream, UPSTREAM_VERSION } from '../src/lab/upstream.js';

export const SUBJECTS = [
  'plain',
  'host-gw',
  'vxlan',
  'udp',
  'udp-no-spin',
  'per-packet',
  'upstream',
  'wireguard-go',
] as const;
export type SubjectName = (typeof SUBJECTS)[number];

/** A pair of flannelds: which program, which backend, which flags. */
export interface FlannelSubject {
  readonly kind: 'flannel';
  readonly command: Argv;
  readonly backend: Readonly<Record<string, unknown>>;
  readonly args: readonly string[];
}

export type Subject = { readonly name: SubjectName } & (
  FlannelSubject | { readonly kind: 'plain' } | { readonly kind: 'wireguard-go' }
);

export interface Missing {
  readonly name: SubjectName;
  readonly why: string;
}

/** The number in what a program answers to --version; undefined where it is not installed. */
function versionOf(program: string): string | undefined {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return status === 0 ? (/\d[\d.]*\d/.exec(stdout)?.[0] ?? 'of unknown version') : undefined;
}

/** Versions of what is not ours, for the record. */
export function tools(): Record<string, string> {
  return {
    upstream: UPSTREAM_VERSION,
    'wireguard-go': versionOf('wireguard-go') ?? 'not installed',
    iperf3: versionOf('iperf3') ?? 'not installed',
  };
}

function subject(name: SubjectName, ours: Argv): Subject | string {
  const flannel = (Type: string, more: object = {}, args: readonly string[] = []): Subject => ({
    name,
    kind: 'flannel',
    command: ours,
    backend: { Type, ...more },
    args,
  });
  switch (name) {
    case 'plain':
      return { name, kind: 'plain' };
    case 'host-gw':
    case 'vxlan':
    case 'udp':
      return flannel(name);
    case 'udp-no-spin':
      return flannel('udp', { Spin: 0 });
    case 'per-packet':
      return flannel('udp', { Spin: 0 }, ['-udp-disable=all']);
    case 'upstream': {
      const upstream = findUpstream(process.env);
      if (upstream === undefined) return 'it is not built; npm run test:interop builds it (needs Go)';
      return { name, kind: 'flannel', command: [upstream], backend: { Type: 'udp' }, args: [] };
    }
    case 'wireguard-go':
      if (versionOf('wireguard-go') === undefined)
        return 'it is not installed; node scripts/setup.mjs --bench installs it';
      return { name, kind: 'wireguard-go' };
  }
}

/** The wanted subjects that are there, and why the others are not. */
export function findSubjects(
  names: readonly SubjectName[],
  ours: Argv,
): { readonly there: readonly Subject[]; readonly missing: readonly Missing[] } {
  const found = names.map((name) => ({ name, subject: subject(name, ours) }));
  return {
    there: found.flatMap(({ subject }) => (typeof subject === 'string' ? [] : [subject])),
    missing: found.flatMap(({ name, subject }) =>
      typeof subject === 'string' ? [{ name, why: subject }] : [],
    ),
  };
}
