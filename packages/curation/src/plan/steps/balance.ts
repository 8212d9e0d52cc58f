import { CurationError } from '../../error';
import type { StepRunner } from '../step';

export const balance: StepRunner<'balance'> = () => Promise.reject(new CurationError('balance is not there yet'));
