import { parentPort, workerData } from 'node:worker_threads';
import { placeImages } from './place-images';

export interface MapRequest {
  readonly data: Float32Array;
  readonly columns: number;
}

export type MapReply = ReturnType<typeof placeImages>;

const { data, columns } = workerData as MapRequest;
parentPort!.postMessage(placeImages(data, columns) satisfies MapReply);
