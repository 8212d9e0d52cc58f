import { auditHeldOut } from '../../duplicates/audit-held-out';
import { writeTable } from '../../tables';
import { joined, type JoinOptions, withEngine, withVectors } from './joined';

/** Findings that are printed. */
const SHOWN = 10;

/** `dinov2-curate audit` */
export async function auditCommand(heldOutPath: string, poolPath: string, options: JoinOptions & { readonly threshold: number; readonly out: string }): Promise<void> {
  await withVectors([heldOutPath, poolPath], (heldOut, pool) =>
    withEngine(options.engine, async (engine) => {
      const join = await joined(heldOut!, pool!, engine, options, options.threshold);
      const { findings } = await auditHeldOut(heldOut!.rows, pool!.rows, join, { threshold: options.threshold });
      await join.close();
      const share = ((100 * findings.length) / heldOut!.rows).toFixed(1);
      console.log(`${findings.length} of ${heldOut!.rows} held-out rows (${share} %) have one of ${pool!.rows} above ${options.threshold}`);
      for (const { heldOut, matches } of findings.slice(0, SHOWN)) console.log(`  ${heldOut}: ${matches.map(({ row, similarity }) => `${row} (${similarity.toFixed(3)})`).join(', ')}`);
      if (findings.length > SHOWN) console.log('  …');
      const flat = findings.flatMap(({ heldOut, matches }) => matches.map((match) => ({ heldOut, ...match })));
      await writeTable(options.out, {
        heldOut: Uint32Array.from(flat, ({ heldOut }) => heldOut),
        row: Uint32Array.from(flat, ({ row }) => row),
        similarity: Float32Array.from(flat, ({ similarity }) => similarity),
      });
      console.log(options.out);
    }),
  );
}
