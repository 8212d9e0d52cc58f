// What cards can do at most, for model FLOPs utilisation: dense bfloat16 products with float32 sums, FLOP/s, from the
// makers' data sheets. The first name that occurs in the card's own counts.
const peaks = [
  ['GB200', 2500e12],
  ['B200', 2250e12],
  ['GH200', 989.4e12],
  ['H200', 989.4e12],
  ['H100 NVL', 835e12],
  ['H100 PCIe', 756e12],
  ['H100', 989.4e12],
  ['A100', 312e12],
  ['A10G', 70e12],
  ['A10', 125e12],
  ['L40S', 362e12],
  ['L40', 181e12],
  ['L4', 121e12],
  ['RTX 6000 Ada', 364e12],
  ['RTX A6000', 155e12],
  ['RTX 5090', 209.5e12],
  ['RTX 4090', 165e12],
  ['RTX 3090', 71e12],
];

/** FLOP/s of a card by its name, undefined for unknown ones. */
export const peakFlops = (name) => peaks.find(([part]) => name.includes(part))?.[1];
