import { parentPort } from 'node:worker_threads';
import { PatchTable } from './patch-table';
import type { SearchReply, SearchRequest } from './patch-search';

const port = parentPort!;
let table: PatchTable | undefined;

port.on('message', (request: SearchRequest) => {
  switch (request.kind) {
    case 'open':
      table = new PatchTable(request.patches, request.dimension, request.maximumBytes);
      return;
    case 'add':
      port.postMessage({ id: request.id, added: table!.add(request.values) } satisfies SearchReply);
      return;
    case 'search': {
      const started = performance.now();
      const found = table!.search(request.query);
      port.postMessage({ id: request.id, found, milliseconds: performance.now() - started } satisfies SearchReply);
    }
  }
});
