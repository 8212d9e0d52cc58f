export { contentHash } from './content-hash';
export { hammingDistance } from './hamming';
export { perceptualHash, structureless } from './perceptual-hash';
