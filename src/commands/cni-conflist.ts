// A network config for the CNI plugin, as kube-flannel brings one, and which files of a folder are configs. Pure.

/** Upstream's config. 1.0.0 is what the plugins of today's distributions support. */
export function conflistOf(name: string, network: string | undefined): string {
  const flannel = {
    type: 'flannel',
    ...(network === undefined ? {} : { network }),
    delegate: { hairpinMode: true, isDefaultGateway: true },
  };
  const portmap = { type: 'portmap', capabilities: { portMappings: true } };
  return `${JSON.stringify({ cniVersion: '1.0.0', name, plugins: [flannel, portmap] }, undefined, 2)}\n`;
}

/** Whether a runtime takes a file of this name for a config. */
export function isConfigFile(name: string): boolean {
  return /^[^.].*\.(conf|conflist|json)$/.test(name);
}

/** Whether a config, whatever its form, is one for this plugin. */
export function namesFlannel(text: string): boolean {
  return /"type"\s*:\s*"flannel"/.test(text);
}
