import fc from 'fast-check';

// One seed, so that a red build means a change. `FC_SEED=$RANDOM npx vitest run` looks at other examples.
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20230414) });
