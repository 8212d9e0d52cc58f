export { type Classification, classifyAll, type ClassifierInput, type ClassifyOptions } from './classify-all';
export { type Classifier, type ClassifierBatch, type ClassifierColumns, type Classify, loadClassifier } from './classifier';
export { type QualityColumns, qualityColumnNames, qualityColumns } from './columns';
export { decideByRules, defaultRules, type Rule, type RuleDecisions } from './rules';
export { qualityScore } from './score';
