// The uses that the daemon looks at before it takes a network away: written when an attachment begins, removed when it is
// gone. Their form and place are src/network-uses.ts.

import { closeSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { renderNetworkUse, useFileName, usesFolder } from '../network-uses.js';
import { ioError } from './errors.js';
import { createFile, namesIn } from './files.js';
import type { AttachmentRecord } from './record.js';

/** Says that the attachment uses the network of its env file. Throws CniError `io`. */
export function addUse(root: string, record: AttachmentRecord, dataDir: string): void {
  const { containerId, ifname, netns, subnetFile, network, name } = record;
  const folder = usesFolder(subnetFile, root);
  const path = join(folder, useFileName(containerId, ifname));
  const temporary = join(folder, `.${useFileName(containerId, ifname)}.${process.pid}.tmp`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    const text = renderNetworkUse({ containerId, ifname, netns, subnetFile, dataDir, network, name });
    closeSync(createFile(temporary, text));
    renameSync(temporary, path);
  } catch (error) {
    throw ioError('write', path, error);
  }
}

/** The attachment is gone, and so is what a killed call for it has left. Throws CniError `io`. */
export function removeUse(root: string, record: AttachmentRecord): void {
  const { containerId, ifname, subnetFile } = record;
  const folder = usesFolder(subnetFile, root);
  const name = useFileName(containerId, ifname);
  try {
    for (const other of namesIn(folder)) {
      if (other === name || (other.startsWith(`.${name}.`) && other.endsWith('.tmp')))
        rmSync(join(folder, other), { force: true });
    }
  } catch (error) {
    throw ioError('remove', join(folder, name), error);
  }
}
