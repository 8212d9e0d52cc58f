import { mergeFolders } from '../../plan/merge-folders';

/** `dinov2-curate merge` */
export async function mergeCommand(out: string, parts: readonly string[]): Promise<void> {
  const { copied, equal } = await mergeFolders(out, parts);
  console.log(`${out}: ${copied} files copied, ${equal} were there already`);
}
