import { type Options } from 'tsup';
import { library } from '../../tsup.library';

export default { ...(library() as Options), external: ['sharp'] };
