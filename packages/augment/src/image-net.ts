/** Mean of ImageNet's red, green and blue, in shares of full intensity. */
export const imageNetMean: readonly [number, number, number] = [0.485, 0.456, 0.406];

/** Standard deviation of ImageNet's red, green and blue, in shares of full intensity. */
export const imageNetStd: readonly [number, number, number] = [0.229, 0.224, 0.225];
