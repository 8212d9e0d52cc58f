export { contentHash } from './content-hash';
export { hammingDistance } from './hamming';
export { hammingJoin } from './hamming-join';
export { perceptualHash, structureless } from './perceptual-hash';
