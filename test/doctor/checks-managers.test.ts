// Checks of the programs that manage devices.

import type { ManagerFacts } from '../../src/doctor/facts.js';
import { testRows } from './rows.js';
import { HEALTHY, PLACE } from './scene.js';

const { managers } = HEALTHY;
const nm = (change: Partial<ManagerFacts['networkManager']>): { managers: ManagerFacts } => ({
  managers: { ...managers, networkManager: { ...managers.networkManager, running: true, ...change } },
});
const networkd = (change: Partial<ManagerFacts['networkd']>): { managers: ManagerFacts } => ({
  managers: { ...managers, networkd: { ...managers.networkd, running: true, ...change } },
});
const match = (device: string, unmanaged: boolean): ManagerFacts['networkd']['matches'] =>
  new Map([[device, { file: '/etc/systemd/network/50-all.network', unmanaged }]]);

testRows('networkmanager', [
  { title: 'it does not run', status: 'ok', seen: /does not run/ },
  {
    title: 'a file keeps it away',
    facts: nm({ unmanaged: new Map([['flannel.1', '/etc/x.conf']]) }),
    status: 'ok',
    seen: /\/etc\/x\.conf/,
  },
  {
    title: 'it says so itself',
    facts: nm({ states: new Map([['flannel.1', 'unmanaged']]) }),
    status: 'ok',
    seen: /nmcli: unmanaged/,
  },
  {
    title: 'it manages the device',
    facts: nm({ states: new Map([['flannel.1', 'connected (externally)']]) }),
    status: 'warn',
    seen: /manages flannel\.1/,
    remedy: /unmanaged-devices\+=interface-name:flannel\*.*systemctl reload NetworkManager/,
  },
  { title: 'nothing tells it not to', facts: nm({}), status: 'warn', seen: /no file/, remedy: /conf\.d/ },
  { title: 'skipped with the reason', facts: { managers: 'no /proc' }, status: 'skip', seen: /no \/proc/ },
]);

testRows('networkd', [
  { title: 'it does not run', status: 'ok', seen: /does not run/ },
  { title: 'no file matches', facts: networkd({}), status: 'ok', seen: /no \.network file/ },
  {
    title: 'a file leaves it alone',
    facts: networkd({ matches: match('flannel.1', true) }),
    status: 'ok',
    seen: /alone/,
  },
  {
    title: 'a file matches',
    facts: networkd({ matches: match('flannel.1', false) }),
    status: 'warn',
    seen: /50-all\.network matches flannel\.1/,
    remedy: /Unmanaged=yes.*networkctl reload/,
  },
  {
    title: 'it removes routes of host-gw',
    facts: { ...networkd({ matches: match('eth0', false) }), places: [{ ...PLACE, backend: 'host-gw' }] },
    status: 'warn',
    seen: /manages eth0/,
    remedy: /ManageForeignRoutes=no/,
  },
  {
    title: 'it was told to keep them',
    facts: {
      ...networkd({ matches: match('eth0', false), keepsForeignRoutes: true }),
      places: [{ ...PLACE, backend: 'host-gw' }],
    },
    status: 'ok',
    seen: /flannel\.1/,
  },
  { title: 'skipped with the reason', facts: { managers: 'no /proc' }, status: 'skip', seen: /no \/proc/ },
]);
