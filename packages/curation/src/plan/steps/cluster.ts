import { CurationError } from '../../error';
import type { StepRunner } from '../step';

export const cluster: StepRunner<'cluster'> = () => Promise.reject(new CurationError('cluster is not there yet'));
