import type { FolderMap, NeighbourList, ViewerState } from '../view/protocol';

async function get(path: string): Promise<Response> {
  const response = await fetch(path).catch(() => {
    throw new Error('the viewer is not running any more; start dinov2-probe view again');
  });
  if (!response.ok) throw new Error((await response.text()).trim());
  return response;
}

const getJson = async <T>(path: string): Promise<T> => (await (await get(path)).json()) as T;
const getBytes = async (path: string): Promise<ArrayBuffer> => (await get(path)).arrayBuffer();

export const getState = () => getJson<ViewerState>('/api/state');
export const getTokens = (model: number, image: number) => getBytes(`/api/tokens/${model}/${image}`);
export const getAttention = (model: number, image: number) => getBytes(`/api/attention/${model}/${image}`);
export const getNeighboursOfImage = (model: number, image: number) => getJson<NeighbourList>(`/api/neighbours/${model}/${image}`);
export const getNeighboursOfPatch = (model: number, image: number, patch: number) => getJson<NeighbourList>(`/api/neighbours/${model}/${image}/${patch}`);
export const getMap = (model: number) => getJson<FolderMap>(`/api/map/${model}`);

/** Widths in which the server makes pictures. */
export type PictureWidth = 160 | 320 | 640 | 1024;

export const pictureUrl = (model: number, image: number, width: PictureWidth) => `/api/picture/${model}/${image}?width=${width}`;

/** The browser tries again after three seconds by itself. */
const PATIENCE = 6000;

/**
 * Call `receive` with everything that a stream of events brings, until the returned function is called.
 *
 * @param lose - told when the stream is gone for a while, and when it is back.
 */
export function listen<T>(path: string, receive: (value: T) => void, lose?: (lost: boolean) => void): () => void {
  const events = new EventSource(path);
  let waiting: ReturnType<typeof setTimeout> | undefined;
  events.onmessage = ({ data }) => receive(JSON.parse(data as string) as T);
  events.onopen = () => {
    clearTimeout(waiting);
    waiting = undefined;
    lose?.(false);
  };
  events.onerror = () => (waiting ??= setTimeout(() => lose?.(true), PATIENCE));
  return () => {
    clearTimeout(waiting);
    events.close();
  };
}
