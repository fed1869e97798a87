/** Numbers that look random and are the same for the same seed, on every machine. */
export type Random = () => number;

/** 0 to 1, without 1. A seed is any list of whole numbers: one for each purpose, so that none disturbs another. */
export function createRandom(...seed: number[]): Random {
  let state = seed.reduce((hash, part) => mix(hash + Math.imul(part | 0, 0x9e3779b1)), 0x2545f491);
  // A step of its own, or all seeds would walk through the same numbers, each from another place on.
  const step = mix(state ^ 0x6d2b79f5) | 1;
  return () => {
    state = (state + step) | 0;
    return (mix(state) >>> 0) / 2 ** 32;
  };
}

/** Each bit of what goes in changes half of the bits that come out (the finaliser of MurmurHash3). */
function mix(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}

/** How long until something that comes so seldom on average comes next, when it comes at random. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}
