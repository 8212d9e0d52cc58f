import { parentPort, workerData } from 'node:worker_threads';
import type { Layout } from './folder-map';
import { placeImages } from './place-images';

export interface MapRequest {
  readonly data: Float32Array;
  readonly columns: number;
}

export type MapReply = { readonly layout: Layout } | { readonly share: number };

const { data, columns } = workerData as MapRequest;
const reply = (message: MapReply) => parentPort!.postMessage(message);
reply({ layout: placeImages(data, columns, (share) => reply({ share })) });
