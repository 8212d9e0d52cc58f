import { examples, listOf, wholeNumber } from '@dinov2/app-kit';
import { type Command, Option } from 'commander';
import { cosine, countOrShare, shard, share } from './values';

/** Commands on vectors and lists of any origin: `.npy`, Parquet, folders of embeddings. */
export function addArrays(program: Command): void {
  program
    .command('embed')
    .description('embed pictures into Parquet files, without a plan')
    .argument('<pictures>', 'folder, list (.txt, .csv, .jsonl, .parquet), tar, or folder of tars')
    .requiredOption('-o, --out <dir>', 'where the parts go; what is there is not computed again')
    .option('--weights <path>', 'a run, a Hugging Face folder, .safetensors, .pth, or `pixels` (default: the newest run in runs, else pixels)')
    .addOption(new Option('--precision <type>', 'of the embeddings').choices(['float16', 'float32']).default('float16'))
    .addOption(new Option('--size <pixels>', 'side of the square that is kept (default: as the weights were made for)').argParser(wholeNumber(1)))
    .addOption(new Option('--shard-rows <n>', 'images of one part').argParser(wholeNumber(1)).default(4096))
    .addOption(new Option('--shard <i/n>', 'make one of n shares of the parts').argParser(shard))
    .addOption(new Option('--workers <n>', 'threads (default: one per core)').argParser(wholeNumber(1)))
    .addHelpText('after', examples('dinov2-curate embed pictures -o embeddings', 'dinov2-curate embed shards/ -o embeddings --weights dinov2-small --shard 0/4'))
    .action(async (pictures: string, options) => (await import('./commands/embed')).embedCommand(pictures, options));
  joinOptions(
    program
      .command('deduplicate')
      .description('near copies among vectors, or between vectors and others')
      .argument('<vectors>', '.npy, .parquet, or a folder of embeddings'),
  )
    .option('--against <vectors>', 'drop what is near these instead of near copies within')
    .addOption(new Option('--mode <name>', 'with --against: what hangs together with them, or what is itself near them').choices(['component', 'direct']).default('component'))
    .addOption(new Option('--threshold <cosine>', 'what is called a near copy (default: 0.6, with --against 0.45)').argParser(cosine))
    .option('-o, --out <file>', 'table of decisions', 'decisions.parquet')
    .addHelpText('after', examples('dinov2-curate deduplicate embeddings.npy --threshold 0.9', 'dinov2-curate deduplicate pool.parquet --against test.npy -o clean.parquet'))
    .action(async (vectors: string, options) => (await import('./commands/deduplicate')).deduplicateCommand(vectors, options));
  joinOptions(
    program
      .command('audit')
      .description('are these pictures in there? the nearest of a pool for each held-out vector')
      .argument('<held-out>', '.npy, .parquet, or a folder of embeddings')
      .argument('<pool>', 'the same'),
  )
    .addOption(new Option('--threshold <cosine>', 'what is called contained').argParser(cosine).default(0.45))
    .option('-o, --out <file>', 'table of findings', 'audit.parquet')
    .addHelpText('after', examples('dinov2-curate audit curated/pictures/embeddings/test curated/pictures/embeddings/web', 'dinov2-curate audit test.npy pool.npy --threshold 0.6'))
    .action(async (heldOut: string, pool: string, options) => (await import('./commands/audit')).auditCommand(heldOut, pool, options));
  computeOptions(
    program
      .command('retrieve')
      .description('the vectors of a pool that are like some queries')
      .argument('<queries>', '.npy, .parquet, or a folder of embeddings')
      .argument('<pool>', 'the same'),
  )
    .addOption(new Option('--mode <name>', 'the nearest of each query, or clusters that hold enough of them').choices(['sample', 'cluster']).default('sample'))
    .addOption(new Option('-k, --k <n>', 'sample: images of each query').argParser(wholeNumber(1)).default(4))
    .addOption(new Option('--collisions <name>', 'sample: images that several queries ask for').choices(['keep', 'unique', 'refill']).default('unique'))
    .addOption(new Option('--clusters <n>', 'cluster: clusters of the pool (default: by its size)').argParser(wholeNumber(1)))
    .addOption(new Option('--min-queries <n>', 'cluster: strictly more queries than this').argParser(wholeNumber(0)).default(3))
    .addOption(new Option('--per-cluster <n>', 'cluster: images of each at most').argParser(wholeNumber(1)).default(10_000))
    .addOption(new Option('--cap <n>', 'images in all at most').argParser(wholeNumber(1)).default(1_000_000))
    .option('-o, --out <file>', 'table of rows', 'retrieved.parquet')
    .addHelpText('after', examples('dinov2-curate retrieve queries.npy pool.npy --k 4', 'dinov2-curate retrieve flowers.parquet pool/ --mode cluster --clusters 1000'))
    .action(async (queries: string, pool: string, options) => (await import('./commands/retrieve')).retrieveCommand(queries, pool, options));
  computeOptions(
    program
      .command('cluster')
      .description('k-means of vectors, and of its centroids again')
      .argument('<vectors>', '.npy, .parquet, or a folder of embeddings'),
  )
    .addOption(new Option('--levels <list>', 'clusters of each level, most first (default: by the number of rows)').argParser(listOf(wholeNumber(1))))
    .addOption(new Option('--resampling <n>', 'rounds of resampling on each level above the first').argParser(wholeNumber(0)).default(10))
    .addOption(new Option('--iterations <n>', 'of k-means').argParser(wholeNumber(1)).default(50))
    .option('-o, --out <dir>', 'folder for clusters and centroids', 'clusters')
    .addHelpText('after', examples('dinov2-curate cluster embeddings.npy --levels 1000,100,10'))
    .action(async (vectors: string, options) => (await import('./commands/cluster')).clusterCommand(vectors, options));
  program
    .command('sample')
    .description('rows spread evenly over clusters, from the top level down')
    .argument('<clusters>', 'folder that `dinov2-curate cluster` wrote')
    .addOption(new Option('-n, --images <n>', 'how many, or which share').argParser(countOrShare).default(0.5))
    .addOption(new Option('--multiplier <n>', 'how often one row may be taken').argParser(wholeNumber(1)).default(1))
    .addOption(new Option('--choose <name>', 'of a cluster').choices(['random', 'closest']).default('random'))
    .addOption(new Option('--seed <n>', 'source of all randomness').argParser(wholeNumber(0)).default(0))
    .option('-o, --out <file>', 'table of rows and how often each is taken', 'sample.parquet')
    .addHelpText('after', examples('dinov2-curate sample clusters --images 100000'))
    .action(async (clusters: string, options) => (await import('./commands/sample')).sampleCommand(clusters, options));
}

function computeOptions(command: Command): Command {
  return command
    .addOption(new Option('--seed <n>', 'source of all randomness').argParser(wholeNumber(0)).default(0))
    .addOption(new Option('--engine <name>', 'what computes').choices(['auto', 'onnx', 'eager']).default('auto'));
}

function joinOptions(command: Command): Command {
  return computeOptions(command)
    .addOption(new Option('--k <n>', 'neighbours of each row').argParser(wholeNumber(1)).default(64))
    .addOption(new Option('--method <name>', 'of the search').choices(['auto', 'exact', 'ivf']).default('auto'))
    .addOption(new Option('--recall <share>', 'of pairs above the threshold that an approximate search must find').argParser(share).default(0.97));
}
