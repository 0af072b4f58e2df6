// Checks of the programs that manage devices and would rewrite ours: NetworkManager and systemd-networkd. Pure.

import { check, ok, warn, type Finding } from './check.js';
import type { ManagerFacts, Place } from './facts.js';

export const MANAGER_CHECKS = [
  check({
    id: 'networkmanager',
    title: 'NetworkManager',
    looksAt: 'whether it runs, `nmcli device`, and unmanaged-devices in its conf.d',
    needs: ['managers', 'places'],
    judge: ({ managers: { networkManager }, places }) => {
      if (!networkManager.running) return [ok('it does not run')];
      return devicesOwned(places).map((device) => judgeNetworkManager(networkManager, device));
    },
  }),
  check({
    id: 'networkd',
    title: 'systemd-networkd',
    looksAt:
      'whether it runs, the .network file that matches the device, ManageForeignRoutes of networkd.conf',
    needs: ['managers', 'places'],
    judge: ({ managers: { networkd }, places }) => {
      if (!networkd.running) return [ok('it does not run')];
      return [
        ...devicesOwned(places).map((device) => judgeNetworkd(networkd.matches, device)),
        ...judgeForeignRoutes(networkd, places),
      ];
    },
  }),
];

function devicesOwned(places: readonly Place[]): readonly string[] {
  return [...new Set(places.map(({ device }) => device).filter((device) => device !== undefined))];
}

function judgeNetworkManager({ unmanaged, states }: ManagerFacts['networkManager'], device: string): Finding {
  const file = unmanaged.get(device);
  if (file !== undefined) return ok(`it leaves ${device} alone (${file})`);
  const state = states.get(device);
  if (state?.includes('unmanaged') === true) return ok(`it leaves ${device} alone (nmcli: ${state})`);
  const seen =
    state === undefined
      ? `it runs, and no file of its tells it to leave ${device} alone`
      : `it manages ${device} (nmcli: ${state}), so it may rewrite MAC, addresses and routes`;
  return warn(
    seen,
    '`printf "[keyfile]\\nunmanaged-devices+=interface-name:flannel*;interface-name:fl.*\\n" > /etc/NetworkManager/conf.d/50-flannel.conf && systemctl reload NetworkManager`',
  );
}

const SNIPPET =
  '`printf "[Match]\\nName=flannel* fl.*\\n\\n[Link]\\nUnmanaged=yes\\n" > /etc/systemd/network/10-flannel.network && networkctl reload`';

function judgeNetworkd(matches: ManagerFacts['networkd']['matches'], device: string): Finding {
  const match = matches.get(device);
  if (match === undefined) return ok(`no .network file matches ${device}`);
  if (match.unmanaged) return ok(`${match.file} leaves ${device} alone`);
  return warn(`${match.file} matches ${device}, so it may rewrite addresses and routes`, SNIPPET);
}

/** Routes of host-gw, and direct ones, lie on an interface that is not ours. */
function judgeForeignRoutes(
  { matches, keepsForeignRoutes }: ManagerFacts['networkd'],
  places: readonly Place[],
): readonly Finding[] {
  return places.flatMap(({ name, backend, interface: below }) => {
    if (backend !== 'host-gw' || below === undefined || keepsForeignRoutes) return [];
    const match = matches.get(below.name);
    if (match === undefined || match.unmanaged) return [];
    return [
      warn(
        `it manages ${below.name} (${match.file}) and removes routes that it does not know when it starts; the daemon puts them back`,
        '`mkdir -p /etc/systemd/networkd.conf.d && printf "[Network]\\nManageForeignRoutes=no\\n" > /etc/systemd/networkd.conf.d/flannel.conf`',
        name,
      ),
    ];
  });
}
