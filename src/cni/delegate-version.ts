// Whether a delegate speaks the version that GC and STATUS came with: plugins of earlier releases are not asked for them.

import { parseRecord } from '../checked-json.js';
import { runDelegate } from './delegate.js';
import type { PluginParts } from './parts.js';
import { NEWEST_VERSION } from './versions.js';

/** The versions a plugin says it supports; none where it says nothing that can be understood. Throws CniError. */
export function versionsOf(parts: PluginParts, program: string): readonly string[] {
  const conf = JSON.stringify({ cniVersion: NEWEST_VERSION });
  const said = parseRecord(runDelegate(parts, { command: 'VERSION', program, conf }));
  const versions: unknown = said?.['supportedVersions'];
  return Array.isArray(versions) ? versions.filter((version) => typeof version === 'string') : [];
}
