import { CurationError } from '../../error';
import type { StepRunner } from '../step';

export const retrieve: StepRunner<'retrieve'> = () => Promise.reject(new CurationError('retrieve is not there yet'));
