export { alignment } from './checks/alignment';
export { effectiveRank } from './checks/effective-rank';
export { featureStd } from './checks/feature-std';
export { rankMe } from './checks/rank-me';
export { uniformity } from './checks/uniformity';
export { colourScores, heat } from './colour';
export { EvaluationError } from './error';
export type { Features } from './features';
export { fewShotKnn, type FewShotOptions, type FewShotScore } from './knn/few-shot';
export { knn, type KnnOptions, type KnnPrediction } from './knn/knn';
export { globalAveragePrecision, type GlobalAveragePrecision } from './retrieval/global-average-precision';
export {
  meanAveragePrecision,
  type RetrievalScores,
  type RetrievalTruth,
  type RevisitedProtocol,
  revisitedProtocols,
  revisitedRetrieval,
  type RevisitedTruth,
} from './retrieval/mean-average-precision';
export { retrieve, type Retrieved, type RetrieveOptions } from './retrieval/retrieve';
export { matchPatches, type MatchOptions, type PatchMatch } from './search/match-patches';
export { type DuplicatePair, nearDuplicates } from './search/near-duplicates';
export type { Neighbours } from './search/neighbours';
export { type SearchOptions, type SearchProgress, searchNeighbours } from './search/search-neighbours';
export type { FeatureBlocks } from './search/tiles';
export { type ForegroundOptions, type PatchColourOptions, patchColours } from './patch-colours';
export { pca, projectPca, type Pca } from './pca';
export type { DenseInput, DenseTokens, ExtractTokens, FloatArray, StackedTokens } from './dense/features';
export type { DenseTest } from './dense/infer';
export type { AdamWSettings } from './dense/optimizer';
export type { DepthMap, LabelMask, Raster, RgbImage } from './dense/raster';
export { averageWindows, slidingWindows } from './dense/sliding-window';
export type { HeadProgress, HeadState, HostArrays } from './dense/train-head';
export type { ViewOptions, ViewProgress } from './dense/views';
export { type DepthAugmentation, type DepthImage, nyuBorder } from './depth/augmentation';
export { type DepthEvaluation, type DepthHead, type DepthHeadOptions, type DepthSamples, loadDepthHead } from './depth/head';
export { depthCrops, type DepthCrop, depthErrors, type DepthMask, type DepthScores, meanDepthScores } from './depth/metrics';
export { type DepthRecipe, depthRecipes } from './depth/presets';
export { type DepthOptions, type TrainedDepth, trainDepth } from './depth/train';
export { type LabelledImage, type SegmentationAugmentation } from './segmentation/augmentation';
export {
  loadSegmentationHead,
  type Segmentation,
  type SegmentationEvaluation,
  type SegmentationHead,
  type SegmentationHeadOptions,
  type SegmentationSamples,
} from './segmentation/head';
export { type ConfusionMatrix, countPixels, createConfusion, segmentationScores, type SegmentationScores } from './segmentation/metrics';
export { type SegmentationRecipe, segmentationRecipes } from './segmentation/presets';
export { type SegmentationOptions, type TrainedSegmentation, trainSegmentation } from './segmentation/train';
export { type FeatureBatch, type FeatureRows, type LinearBatch, type LinearTable, orderedBatches, shuffledBatches } from './linear/batches';
export {
  evaluateLinear,
  type EvaluateLinearOptions,
  type HeadResult,
  type LinearClassifier,
  linearClassifier,
  type LinearEvaluation,
  linearScores,
} from './linear/evaluate';
export { type HeadGroup, type LinearHead } from './linear/grid';
export {
  type LinearHeads,
  linearLearningRates,
  type LinearOptions,
  type LinearProgress,
  type LinearState,
  trainLinear,
} from './linear/train';
export {
  type LabelledFeatures,
  type LogisticCandidate,
  logisticGrid,
  type LogisticModel,
  type LogisticOptions,
  type LogisticProgress,
  logisticRegression,
  logisticScores,
} from './logistic/logistic-regression';
export { accuracy, meanPerClassAccuracy, multiLabelAccuracy, topKAccuracy } from './metrics/accuracy';
export { type ClassReport, classReport } from './metrics/class-report';
export { predictedClasses, type Scores } from './metrics/scores';
