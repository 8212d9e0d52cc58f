export { type QualityColumns, qualityColumnNames, qualityColumns } from './columns';
export { qualityScore } from './score';
