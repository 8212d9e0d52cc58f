export { sceneClasses } from './classes';
export { generateScenes, type GenerateOptions } from './generate';
