// The parts of a support bundle that the daemons tell: each document of the API, metrics and the newest events, as it is.

import { open } from '../api/call.js';
import { ask, askText } from '../api/client.js';
import { fileName, type BundlePart } from '../doctor/bundle.js';
import type { DaemonFacts } from '../doctor/facts.js';

/** Events that are kept come at once; what comes later is not waited for. */
const EVENTS_MS = 500;
const EVENTS_LIMIT = 1024 * 1024;

export function daemonParts(daemons: DaemonFacts | undefined): readonly BundlePart[] {
  const answering = daemons?.answering ?? [];
  const refused = daemons?.refused ?? [];
  return [
    ...answering.flatMap(({ socket, status }) => {
      const folder = `daemon-${fileName(socket.split('/').at(-1) ?? '')}`;
      const names = status.networks.map(({ name }) => name);
      return [
        ...documents(socket, folder),
        ...names.flatMap((name) => networkDocuments(socket, folder, name)),
      ];
    }),
    ...refused.map(({ socket, reason }) => ({
      name: `daemon-${fileName(socket)}.txt`,
      read: () => Promise.reject(new Error(reason)),
    })),
  ];
}

function documents(socket: string, folder: string): readonly BundlePart[] {
  const document = (name: string): BundlePart => ({
    name: `${folder}/${name}.json`,
    read: async () => text(await ask(socket, `/v1/${name}`)),
  });
  return [
    ...['status', 'options', 'counters'].map(document),
    { name: `${folder}/readyz.json`, read: () => askText(socket, '/readyz') },
    { name: `${folder}/healthz.txt`, read: () => askText(socket, '/healthz') },
    { name: `${folder}/metrics.txt`, read: () => askText(socket, '/metrics') },
    { name: `${folder}/events.ndjson`, read: () => keptEvents(socket) },
  ];
}

function networkDocuments(socket: string, folder: string, network: string): readonly BundlePart[] {
  return ['peers', 'leases', 'wanted'].map((name) => ({
    name: `${folder}/${fileName(network)}/${name}.json`,
    read: async () => text(await ask(socket, `/v1/networks/${encodeURIComponent(network)}/${name}`)),
  }));
}

async function keptEvents(socket: string): Promise<string> {
  const over = AbortSignal.timeout(EVENTS_MS);
  const response = await open(socket, '/v1/events?since=0', over);
  let read = '';
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      read += chunk.toString('utf8');
      if (read.length > EVENTS_LIMIT) break;
    }
  } catch (error) {
    // The stream goes on for ever: it was we who ended it.
    if (!over.aborted) throw error;
  }
  return read;
}

function text(document: unknown): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
