// A program of its own, run inside a namespace: takes lists of HTTP requests as JSON lines on standard
// input, sends each list in order over one kept-alive connection, and answers with JSON lines.
// It exists because a process cannot reach into another's network. Ends with its input.

import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';

export interface RelayRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly body?: string;
  /** How long an answer may take; 10 s unless told. */
  readonly timeoutMs?: number;
}

interface RelayJob {
  readonly id: number;
  readonly requests: readonly RelayRequest[];
}

export interface RelayAnswer {
  readonly id: number;
  /** Wall-clock milliseconds just before the first request. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly responses: readonly { readonly status: number; readonly body: string }[];
  readonly error?: string;
}

const TIMEOUT_MS = 10_000;

function send(agent: Agent, wanted: RelayRequest): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const timeoutMs = wanted.timeoutMs ?? TIMEOUT_MS;
    const options = { agent, method: wanted.method, timeout: timeoutMs };
    const outgoing = request(wanted.url, options, (incoming) => {
      let body = '';
      incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      incoming.once('end', () => {
        resolve({ status: incoming.statusCode ?? 0, body });
      });
      incoming.once('error', reject);
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.once('error', reject);
    outgoing.end(wanted.body);
  });
}

async function work(agent: Agent, job: RelayJob): Promise<RelayAnswer> {
  const responses: { status: number; body: string }[] = [];
  const startedAt = Date.now();
  try {
    for (const wanted of job.requests) responses.push(await send(agent, wanted));
    return { id: job.id, startedAt, endedAt: Date.now(), responses };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { id: job.id, startedAt, endedAt: Date.now(), responses, error: text };
  }
}

/** Serves until standard input ends. */
async function serve(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await work(agent, JSON.parse(line) as RelayJob)) + '\n');
  }
  agent.destroy();
}

if (process.argv[1] === import.meta.filename) await serve();
