// Checks of the daemon itself: whether it answers, what it says of its health, its env files, and what lies around. Pure.

import { check, fail, ok, skip, warn, type Finding } from './check.js';
import type { DaemonFacts, DaemonSeen, EnvSeen, FileFacts, UpstreamFacts } from './facts.js';
import { REASON_REMEDIES } from './remedies.js';

export const DAEMON_CHECKS = [
  check({
    id: 'daemon',
    title: 'daemon',
    looksAt: 'the sockets of the local API, and whether something answers there',
    needs: ['daemons', 'files', 'upstream'],
    judge: ({ daemons, files, upstream }) => judgeDaemons(daemons, files, upstream),
  }),
  check({
    id: 'health',
    title: 'health',
    looksAt: 'each reason that the daemon gives for not being ready',
    needs: ['daemons'],
    judge: ({ daemons }) => daemons.answering.flatMap(judgeHealth),
  }),
  check({
    id: 'kernel-state',
    title: 'wanted and actual state',
    looksAt: 'whether the kernel had all that is wanted when the daemon looked last, and its problems',
    needs: ['daemons'],
    judge: ({ daemons }) => daemons.answering.flatMap(judgeKernelState),
  }),
  check({
    id: 'env-file',
    title: 'env file',
    looksAt: 'the env files of each network against its lease, range and MTU',
    needs: ['daemons', 'files'],
    judge: ({ daemons, files }) => daemons.answering.flatMap((daemon) => judgeEnv(daemon, files.env)),
  }),
  check({
    id: 'leftovers',
    title: 'old files',
    looksAt: 'env and status files, and state folders, of networks that the daemon does not have',
    needs: ['files'],
    judge: ({ files: { stale } }) =>
      stale.length === 0
        ? [ok('none')]
        : stale.map(({ path, why }) =>
            warn(`${path}: ${why}`, '`flanneld cleanup --dry-run` shows what can go'),
          ),
  }),
];

function judgeDaemons(
  { answering, refused }: DaemonFacts,
  { env }: FileFacts,
  { pids }: UpstreamFacts,
): readonly Finding[] {
  const findings = answering.map(judgeDaemon);
  for (const { socket, reason, denied } of refused) {
    findings.push(
      denied
        ? skip(
            `${socket} may not be asked: ${reason}; run this command as root, or as a member of -socket-group`,
          )
        : warn(`${socket}: ${reason}`, '`systemctl status flanneld`, `journalctl -u flanneld`'),
    );
  }
  if (findings.length > 0) return findings;
  if (pids.length > 0)
    return [skip(`no daemon of this program answers; upstream's runs (pid ${pids.join(', ')})`)];
  const [file] = env;
  return file === undefined
    ? [skip('no daemon answers, and none has been here: this is a host before the installation')]
    : [
        fail(
          `no daemon answers, although ${file.path} is there`,
          '`systemctl start flanneld`, then `systemctl status flanneld`',
        ),
      ];
}

function judgeDaemon({ status, socket, untold }: DaemonSeen): Finding {
  const seen = `version ${status.version}, pid ${status.pid}, at ${socket}`;
  return untold.length === 0
    ? ok(seen)
    : warn(
        `${seen}; it does not tell ${untold.join(', ')}: it is older than this command`,
        '`systemctl restart flanneld`',
      );
}

function judgeHealth({ status }: DaemonSeen): readonly Finding[] {
  if (status.networks.length === 0)
    return [warn('the daemon has no networks', 'put a config: `flanneld networks list` shows what etcd has')];
  return status.networks.flatMap(({ name, state, reasons }) => {
    if (reasons.length === 0) return [ok(state, name)];
    return reasons.map(({ code, level, text, seconds }) => {
      const verdict = level === 'not-ready' ? fail : warn;
      return verdict(`${code} for ${seconds} s: ${text}`, remedyOf(code), name);
    });
  });
}

/** A newer daemon may know reasons that this command does not. */
function remedyOf(code: string): string {
  const remedies: Readonly<Record<string, string>> = REASON_REMEDIES;
  return remedies[code] ?? 'see docs/health.md of the daemon’s version';
}

function judgeKernelState({ status }: DaemonSeen): readonly Finding[] {
  return status.networks.map(({ name, running }) => {
    if (running === undefined) return skip('the network does not run', name);
    const { asWanted, problems, lastRepair } = running.kernel;
    if (asWanted && problems.length === 0) {
      const repaired = lastRepair === undefined ? '' : `; put right at ${lastRepair.at}: ${lastRepair.text}`;
      return ok(`the kernel has all that is wanted${repaired}`, name);
    }
    return fail(
      problems.length === 0 ? 'the kernel is not as wanted' : problems.slice(0, 3).join('; '),
      'remove what stands in the way: `flanneld status` names it',
      name,
    );
  });
}

function judgeEnv({ status, options }: DaemonSeen, env: readonly EnvSeen[]): readonly Finding[] {
  return status.networks.flatMap(({ name, running, subnetFiles, state }) => {
    if (running === undefined) return [skip('the network does not run', name)];
    return subnetFiles.map((path) => {
      const file = env.find((candidate) => candidate.path === path);
      if (file === undefined)
        return state === 'not-ready'
          ? skip(`${path} is not written before the network is ready`, name)
          : fail(
              `${path} is not there`,
              'restart the daemon, which writes it: `systemctl restart flanneld`',
              name,
            );
      return judgeEnvFile(file, running, options, name);
    });
  });
}

function judgeEnvFile(
  file: EnvSeen,
  running: NonNullable<DaemonSeen['status']['networks'][number]['running']>,
  options: Readonly<Record<string, unknown>>,
  network: string,
): Finding {
  const remedy = 'restart the daemon, which writes it: `systemctl restart flanneld`';
  if (file.error !== undefined) return fail(`${file.path} cannot be read: ${file.error}`, remedy, network);
  const wrong: string[] = [];
  if (file.subnet !== running.lease.subnet)
    wrong.push(`subnet ${file.subnet ?? 'none'}, and the lease is ${running.lease.subnet}`);
  if (file.mtu !== running.backend.mtu)
    wrong.push(`MTU ${file.mtu ?? 'none'}, and it is ${running.backend.mtu}`);
  // The config may say otherwise, so only "off in the file, on for all networks" would be wrong, and cannot be told.
  if (options['ip-masq'] === true && file.ipMasq === undefined) wrong.push('no FLANNEL_IPMASQ');
  return wrong.length === 0
    ? ok(`${file.path} says what the lease says`, network)
    : fail(`${file.path} has ${wrong.join('; ')}`, remedy, network);
}
