import { afterAll, describe } from 'vitest';
import { noPjrtPlugin, pjrtPlugin } from '../../../tests/support/pjrt-plugin';
import { xlaEngine, type XlaEngine } from './index';

/** Behind a title: why what is under it is skipped. */
export const skipped = pjrtPlugin === undefined ? ` (skipped: ${noPjrtPlugin})` : '';

/** `describe` where there is a plugin. */
export const describeXla = describe.skipIf(pjrtPlugin === undefined);

let made: Promise<XlaEngine> | undefined;

/** One engine of one device for all tests of a file. */
export const engine = (): Promise<XlaEngine> => (made ??= xlaEngine({ plugin: pjrtPlugin!, cacheFolder: null }));

afterAll(async () => (await made)?.dispose());
