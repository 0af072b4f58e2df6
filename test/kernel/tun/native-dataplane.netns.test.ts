// The native packet engine passes the contract, each case in a namespace and a process of its own.

import { fileURLToPath } from 'node:url';
import test from 'ava';
import { DATAPLANE_CONTRACT } from '../../contract/dataplane.js';
import { hasRoot, Netns } from '../../helpers/netns.js';

const CHILD = fileURLToPath(new URL('../../helpers/dataplane-child.js', import.meta.url));

for (const title of Object.keys(DATAPLANE_CONTRACT)) {
  test(title, async (t) => {
    if (!hasRoot(t)) return;
    const netns = await Netns.create();
    try {
      // It ends by itself: nothing of a closed engine keeps a process alive.
      t.is(await netns.exec('timeout', '20', process.execPath, CHILD, title), '');
    } finally {
      await netns.close();
    }
  });
}
