import { type ColourRequest, type Colours, pcaColours } from './pca-colours';

export interface ColourReply {
  readonly id: number;
  readonly colours?: Colours;
  readonly problem?: string;
}

const scope = self as unknown as { postMessage(reply: ColourReply): void; onmessage: ((event: MessageEvent<{ id: number; request: ColourRequest }>) => void) | null };

scope.onmessage = ({ data: { id, request } }) => {
  try {
    scope.postMessage({ id, colours: pcaColours(request) });
  } catch (error) {
    scope.postMessage({ id, problem: (error as Error).message });
  }
};
