export { embedImages, type EmbeddingSet, type EmbedOptions } from './embed-images';
