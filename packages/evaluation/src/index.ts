export { colourScores, heat } from './colour';
export { EvaluationError } from './error';
export type { Features } from './features';
export { accuracy, knn, type KnnOptions, type KnnPrediction } from './knn';
export { cosineNeighbours, type Neighbours } from './neighbours';
export { pca, projectPca, type Pca } from './pca';
