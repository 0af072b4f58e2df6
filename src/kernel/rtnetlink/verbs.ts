// What `create`, `replace` and `delete` are in nlmsg_flags.

import { NLM_F } from './constants.js';

export type Verb = 'create' | 'replace' | 'delete';

export function verbFlags(verb: Verb): number {
  switch (verb) {
    case 'create':
      return NLM_F.CREATE | NLM_F.EXCL;
    case 'replace':
      return NLM_F.CREATE | NLM_F.REPLACE;
    case 'delete':
      return 0;
  }
}
