// One HTTP request from this process, with an end in any case. For the metrics and the JSON gateway of an etcd.

import { request } from 'node:http';

import { LabError } from './errors.js';

export interface HttpTextOptions {
  /** From the request to the last byte of the answer. */
  readonly timeoutMs: number;
  /** Sent as POST; without it, it is a GET. */
  readonly body?: string;
}

/** The answer's text. Rejects with COMMAND_FAILED when its status is not 200, with TIMED_OUT, or with Node's error. */
export function httpText(url: string, { timeoutMs, body }: HttpTextOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    // A connection of its own: one that is kept may belong to a process that is frozen or gone.
    const call = request(url, { method: body === undefined ? 'GET' : 'POST', agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.once('error', reject);
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new LabError('COMMAND_FAILED', `${url}: ${answer.statusCode ?? 0}: ${text.trim()}`));
      });
    });
    const timer = setTimeout(() => {
      call.destroy(new LabError('TIMED_OUT', `${url}: no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    call.once('error', reject);
    call.once('close', () => {
      clearTimeout(timer);
    });
    call.end(body);
  });
}
