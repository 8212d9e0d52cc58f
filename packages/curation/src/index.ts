export { CurationError } from './error';
