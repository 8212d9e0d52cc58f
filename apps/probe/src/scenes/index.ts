export { generateScenes } from './generate';
