// Cuts the photographs named below into the tiles of apps/pretrain/sample.
//
//   node apps/pretrain/scripts/make-sample.mjs SOURCE_DIR [SOURCE_DIR…]
//
// SOURCE_DIR are searched for the photographs, in subfolders too: the `skimage/data` folder of
// scikit-image 0.26, `sklearn/datasets/images` of scikit-learn, and the unpacked Debian packages
// lomiri-wallpapers-16.04 and lomiri-wallpapers-20.04 (20.04.0-2).
//
// Every photograph is divided into a grid of squares that share no pixel. Squares without detail
// (open sky, black margins) are left out. Of the rest, every third along the diagonals goes to
// sample/heldout/<label>, the others to sample/train/<label>. Some whole photographs go to
// sample/pictures, small, for the report to draw patch features of.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import sharp from 'sharp';

const SIDE = 160; // pixels of a tile
const TRAIN = 18; // most tiles per photograph
const HELDOUT = 9;
const PICTURE_SIDE = 400; // shorter side of a whole photograph
const LEAST_DETAIL = 2; // mean absolute difference of neighbouring pixels at 80 × 80, of 255

const skimage = { source: 'scikit-image', url: 'https://scikit-image.org/docs/stable/api/skimage.data.html' };
const lomiri = { source: 'lomiri-wallpapers', url: 'https://gitlab.com/ubports/development/core/lomiri-wallpapers' };

// `columns` is the number of squares across the photograph.
const photographs = [
  { file: 'astronaut.png', label: 'astronaut', columns: 5, author: 'NASA', licence: 'Public domain', ...skimage },
  { file: 'brick.png', label: 'brick', columns: 5, author: 'CC0 Textures (Bricks25)', licence: 'CC0-1.0', ...skimage },
  { file: 'camera.png', label: 'cameraman', columns: 5, author: 'Lav Varshney', licence: 'CC0-1.0', ...skimage },
  { file: 'chelsea.png', label: 'cat', columns: 6, author: 'Stéfan van der Walt', licence: 'CC0-1.0', ...skimage },
  { file: 'coffee.png', label: 'coffee', columns: 6, author: 'Rachel Michetti', licence: 'CC0-1.0', ...skimage },
  { file: 'grass.png', label: 'grass', columns: 5, author: 'linolafett', licence: 'CC0-1.0', ...skimage },
  { file: 'gravel.png', label: 'gravel', columns: 5, author: 'CC0 Textures (Gravel04)', licence: 'CC0-1.0', ...skimage },
  { file: 'hubble_deep_field.jpg', label: 'galaxies', columns: 6, author: 'NASA', licence: 'Public domain', ...skimage },
  { file: 'retina.jpg', label: 'retina', columns: 7, author: 'Mikael Häggström', licence: 'CC0-1.0', ...skimage },
  { file: 'rocket.jpg', label: 'rocket', columns: 7, author: 'SpaceX', licence: 'Public domain', ...skimage },
  {
    file: 'china.jpg', label: 'temple', columns: 6, author: 'Daniel Büchele', licence: 'CC-BY-2.0',
    source: 'scikit-learn', url: 'https://www.flickr.com/photos/danielbuechele/6061409035/',
  },
  { file: 'aitzgorri_by_Aitzol_Berasategi.jpg', label: 'mountains', columns: 7, author: 'Aitzol Berasategi', licence: 'CC-BY-4.0', ...lomiri },
  { file: 'picosdeeuropa_by_Aitzol_Berasategi.jpg', label: 'mountains', columns: 7, author: 'Aitzol Berasategi', licence: 'CC-BY-4.0', ...lomiri },
  { file: 'Bridge_by_Sander_Klootwijk.jpg', label: 'bridge', columns: 12, author: 'Sander Klootwijk', licence: 'CC-BY-SA-4.0', ...lomiri },
  { file: 'Dragonfly_by_Bolly.jpg', label: 'leaves', columns: 7, author: 'Bolly', licence: 'CC-BY-SA-4.0', ...lomiri },
  { file: 'friends_by_Aitzol_Berasategi.jpg', label: 'dogs', columns: 5, author: 'Aitzol Berasategi', licence: 'CC-BY-4.0', ...lomiri },
  { file: 'greentock_by_Peter_Nerlich.jpg', label: 'clock', columns: 10, author: 'Peter Nerlich', licence: 'CC-BY-SA-4.0', ...lomiri },
  { file: 'life_by_Aitzol_Berasategi.jpg', label: 'stream', columns: 7, author: 'Aitzol Berasategi', licence: 'CC-BY-4.0', ...lomiri },
  { file: 'Picture_0B_by_freespace.jpg', label: 'fig', columns: 8, author: 'Trevor "Freespace"', licence: 'CC-BY-4.0', ...lomiri },
  { file: 'Picture_1A_by_freespace.jpg', label: 'brushes', columns: 7, author: 'Trevor "Freespace"', licence: 'CC-BY-4.0', ...lomiri },
  { file: 'seeding_by_Clements_Engelhardt.jpg', label: 'dandelions', columns: 12, author: 'Clemens Engelhardt', licence: 'CC0-1.0', ...lomiri },
  { file: 'sunset_by_Aitzol_Berasategi.jpg', label: 'sunset', columns: 10, author: 'Aitzol Berasategi', licence: 'CC-BY-4.0', ...lomiri },
  { file: 'Wine_by_Jakkub_Mede.jpg', label: 'room', columns: 6, author: 'Jakub Mede', licence: 'CC-BY-4.0', ...lomiri },
  { file: 'Kleiber_by_Lukas_Baubkus.jpg', label: 'bark', columns: 10, author: 'Lukas Baubkus', licence: 'CC-BY-SA-3.0', ...lomiri },
];

const pictures = ['astronaut', 'cat', 'coffee', 'temple', 'fig', 'dandelions', 'dogs', 'leaves', 'rocket', 'room'];

const sources = process.argv.slice(2);
if (sources.length === 0) {
  console.error('usage: node apps/pretrain/scripts/make-sample.mjs SOURCE_DIR [SOURCE_DIR…]');
  process.exit(2);
}
const found = new Map();
for (const source of sources) {
  for (const entry of await readdir(source, { recursive: true })) found.set(basename(entry), join(source, entry));
}

const sample = new URL('../sample/', import.meta.url).pathname;
await rm(join(sample, 'train'), { recursive: true, force: true });
await rm(join(sample, 'heldout'), { recursive: true, force: true });
await rm(join(sample, 'pictures'), { recursive: true, force: true });
await mkdir(join(sample, 'pictures'), { recursive: true });

for (const photograph of photographs) {
  const path = found.get(photograph.file);
  if (path === undefined) throw new Error(`${photograph.file} is in none of ${sources.join(', ')}`);
  const { data, info } = await sharp(path).rotate().removeAlpha().toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const raw = { raw: { width: info.width, height: info.height, channels: info.channels } };
  if (pictures.includes(photograph.label)) {
    const side = Math.min(PICTURE_SIDE, info.width, info.height);
    await sharp(data, raw)
      .resize(side, side, { fit: 'outside', kernel: 'cubic' })
      .jpeg({ quality: 82, mozjpeg: true })
      .toFile(join(sample, 'pictures', `${photograph.label}.jpg`));
  }
  const square = Math.floor(info.width / photograph.columns);
  const rows = Math.floor(info.height / square);
  const stem = photograph.file.replace(/(_by_.*)?\.\w+$/, '').toLowerCase();

  const cells = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < photograph.columns; column++) {
      const region = { left: column * square, top: row * square, width: square, height: square };
      const tile = await sharp(data, raw).extract(region).resize(SIDE, SIDE, { kernel: 'cubic' }).png().toBuffer();
      cells.push({ row, column, tile, heldout: (row + column) % 3 === 0, detail: await detail(tile) });
    }
  }
  for (const [part, limit] of [['train', TRAIN], ['heldout', HELDOUT]]) {
    const folder = join(sample, part, photograph.label);
    await mkdir(folder, { recursive: true });
    const chosen = cells
      .filter((cell) => cell.heldout === (part === 'heldout') && cell.detail >= LEAST_DETAIL)
      .sort((a, b) => b.detail - a.detail)
      .slice(0, limit);
    for (const { row, column, tile } of chosen) {
      await sharp(tile).jpeg({ quality: 85, mozjpeg: true }).toFile(join(folder, `${stem}-${row}-${column}.jpg`));
    }
    console.log(`${photograph.label} ${part}: ${chosen.length} tiles of ${square} px`);
  }
}
await writeFile(join(sample, 'LICENSES.md'), licences());

/** Mean absolute difference between neighbouring grey values of a small copy. */
async function detail(tile) {
  const side = 80;
  const grey = await sharp(tile).resize(side, side).greyscale().raw().toBuffer();
  let sum = 0;
  for (let y = 0; y + 1 < side; y++) {
    for (let x = 0; x + 1 < side; x++) {
      const here = grey[y * side + x];
      sum += (Math.abs(here - grey[y * side + x + 1]) + Math.abs(here - grey[(y + 1) * side + x])) / 2;
    }
  }
  return sum / (side - 1) ** 2;
}

function licences() {
  const link = {
    'CC0-1.0': 'https://creativecommons.org/publicdomain/zero/1.0/',
    'CC-BY-2.0': 'https://creativecommons.org/licenses/by/2.0/',
    'CC-BY-4.0': 'https://creativecommons.org/licenses/by/4.0/',
    'CC-BY-SA-3.0': 'https://creativecommons.org/licenses/by-sa/3.0/',
    'CC-BY-SA-4.0': 'https://creativecommons.org/licenses/by-sa/4.0/',
  };
  const rows = photographs.map(({ file, label, author, licence, source, url }) =>
    `| ${label} | ${file} | ${author} | ${link[licence] ? `[${licence}](${link[licence]})` : licence} | [${source}](${url}) |`);
  return `# Photographs of the sample and their licences

The pictures in \`train/\` and \`heldout/\` are square cuts of these photographs, scaled to ${SIDE} × ${SIDE} pixels and
compressed as JPEG; those in \`pictures/\` are whole photographs, made smaller. Nothing else was changed. The cuts of a photograph stay under its own licence,
stated by the project it was taken from. \`scripts/make-sample.mjs\` makes them.

| label | photograph | author | licence | taken from |
|---|---|---|---|---|
${rows.join('\n')}
`;
}
