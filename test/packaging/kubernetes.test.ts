// The Kubernetes manifest: its shape, and that its parts fit each other. No cluster is asked.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { parseAllDocuments } from 'yaml';
import { environmentName, FLAG_NAMES } from '../../src/flanneld/flags.js';
import { packageRoot } from '../helpers/package-root.js';

interface Mount {
  readonly name: string;
  readonly mountPath: string;
}
interface Probe {
  readonly httpGet: { readonly host: string; readonly path: string; readonly port: number };
}
interface Container {
  readonly name: string;
  readonly image: string;
  readonly securityContext: {
    readonly privileged?: boolean;
    readonly readOnlyRootFilesystem?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly capabilities?: { readonly drop: readonly string[] };
  };
  readonly volumeMounts: readonly Mount[];
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly envFrom?: readonly { readonly configMapRef: { readonly name: string } }[];
}
interface PodSpec {
  readonly hostNetwork: boolean;
  readonly serviceAccountName: string;
  readonly tolerations: readonly { readonly operator: string }[];
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string }[];
}
interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, unknown>>;
  readonly spec?: {
    readonly selector: { readonly matchLabels: unknown };
    readonly template: { readonly metadata: { readonly labels: unknown }; readonly spec: PodSpec };
  };
}

const TEXT = readFileSync(join(packageRoot(), 'packaging/kubernetes/flanneld.yaml'), 'utf8');
const DOCUMENTS = parseAllDocuments(TEXT);
const MANIFESTS = DOCUMENTS.map((document) => document.toJS() as Manifest);

function manifest(kind: string): Manifest {
  const found = MANIFESTS.find((one) => one.kind === kind);
  if (found === undefined) throw new Error(`no ${kind}`);
  return found;
}

test('it is YAML of the kinds that are needed, in one namespace', (t) => {
  t.deepEqual(
    DOCUMENTS.flatMap(({ errors, warnings }) => [...errors, ...warnings]),
    [],
  );
  t.deepEqual(
    MANIFESTS.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`),
    ['v1 Namespace', 'v1 ServiceAccount', 'v1 ConfigMap', 'apps/v1 DaemonSet'],
  );
  const namespace = manifest('Namespace').metadata.name;
  for (const { metadata, kind } of MANIFESTS.slice(1)) t.is(metadata.namespace, namespace, kind);
});

test('the config map sets flags that there are, as strings', (t) => {
  const known = new Set<string>(FLAG_NAMES.map(environmentName));
  for (const [name, value] of Object.entries(manifest('ConfigMap').data ?? {})) {
    t.true(known.has(name), name);
    t.is(typeof value, 'string', name);
  }
});

test('the pods run on every node, in the host’s network; only the daemon may change the host', (t) => {
  const { spec } = manifest('DaemonSet');
  if (spec === undefined) throw new Error('no spec');
  t.deepEqual(spec.selector.matchLabels, spec.template.metadata.labels);
  const pod = spec.template.spec;
  t.true(pod.hostNetwork);
  t.deepEqual(pod.tolerations, [{ operator: 'Exists' }]);
  t.is(pod.serviceAccountName, manifest('ServiceAccount').metadata.name);
  const volumes = new Set(pod.volumes.map(({ name }) => name));
  for (const container of [...pod.initContainers, ...pod.containers])
    for (const { name } of container.volumeMounts) t.true(volumes.delete(name), name);
  t.deepEqual([...volumes], [], 'every volume is mounted');
  const [installer] = pod.initContainers;
  t.deepEqual(installer?.securityContext, {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ['ALL'] },
  });
  const [daemon] = pod.containers;
  t.deepEqual(daemon?.securityContext, { privileged: true, readOnlyRootFilesystem: true });
  t.deepEqual(daemon?.envFrom, [{ configMapRef: { name: manifest('ConfigMap').metadata.name } }]);
});

test('the probes ask where the health listener is', (t) => {
  const data = manifest('ConfigMap').data ?? {};
  const [daemon] = manifest('DaemonSet').spec?.template.spec.containers ?? [];
  const at = { host: data['FLANNELD_HEALTHZ_IP'], port: Number(data['FLANNELD_HEALTHZ_PORT']) };
  t.like(daemon?.livenessProbe?.httpGet, { ...at, path: '/healthz' });
  t.like(daemon?.readinessProbe?.httpGet, { ...at, path: '/readyz' });
});
