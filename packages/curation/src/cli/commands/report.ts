import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CurationError } from '../../error';
import { runFiles } from '../../plan/run-files';
import { writeReport } from '../../report';

/** `dinov2-curate report` */
export async function reportCommand(run: string, { labels }: { readonly labels?: string }): Promise<void> {
  if (!existsSync(join(run, runFiles.result))) throw new CurationError(`no finished run in ${run}; pass the folder that \`dinov2-curate run\` wrote, such as curated/pictures`);
  console.log(await writeReport(run, { ...(labels !== undefined && { labels }) }));
}
