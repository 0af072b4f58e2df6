// The CNI plugin as an executable file: a line of sh that starts a certain node, and the bundle below it. Pure.

/**
 * One file that is both a script of sh and of JavaScript: to sh the second line is a command that does nothing and one that
 * never returns, to JavaScript a text and a comment. Not `#!/path/of/node`, because whoever starts a runtime may have set
 * variables meant for other programs: NODE_OPTIONS would change what runs here, and NODE_EXTRA_CA_CERTS costs some 40 ms
 * a start. PATH is not used. Throws RangeError for a path that cannot be written so.
 */
export function launcherOf(node: string, bundle: string): string {
  if (!/^\/[^'\0-\x1f\x7f]*$/.test(node))
    throw new RangeError(`not an absolute path without quotes: ${JSON.stringify(node)}`);
  return `#!/bin/sh\n':' //; unset NODE_OPTIONS NODE_EXTRA_CA_CERTS; exec '${node}' "$0" "$@"\n${bundle}`;
}

/** What every form of our plugin has in it, and no other plugin. */
export const PLUGIN_MARK = 'flanneld-cni-plugin';

/** Whether a node is new enough, by what it says on --version. */
export function isNewEnough(version: string): boolean {
  const [, major = 0, minor = 0] = (/^v(\d+)\.(\d+)\./.exec(version) ?? []).map(Number);
  return major > 20 || (major === 20 && minor >= 19);
}
