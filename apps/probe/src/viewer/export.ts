import { shownCharts } from './curves/training-curves';
import { drawPicture, type Place } from './draw';
import { drawMap } from './map/draw-map';
import { shownMap } from './map/folder-map-view';
import { folderOrder } from './neighbours';
import { heatInRange, rangeOf } from './heat-colours';
import { folderOverlay, headMap, overlayKey, overlays } from './overlays';
import { pictureUrl, type PictureWidth } from './api';
import { chosenPatch, focus, folderAs, lead, mode, models, opacity, open, order, overFolder, place, query, shortName, smooth, viewer } from './state';
import { colourOf } from './theme';

const CAPTION = 34;
const GAP = 16;

/** A canvas in the colours of the page. */
function sheet(width: number, height: number) {
  const canvas = document.createElement('canvas');
  canvas.width = Math.ceil(width);
  canvas.height = Math.ceil(height);
  const context = canvas.getContext('2d')!;
  context.fillStyle = colourOf('--page');
  context.fillRect(0, 0, canvas.width, canvas.height);
  return { canvas, context };
}

function write(context: CanvasRenderingContext2D, text: string, x: number, y: number, width: number, colour = '--soft', size = 17): void {
  context.font = `${size}px ui-sans-serif, system-ui, sans-serif`;
  context.fillStyle = colourOf(colour);
  context.fillText(text, x, y, width);
}

async function load(model: number, image: number, width: PictureWidth): Promise<HTMLImageElement> {
  const picture = new Image();
  picture.src = pictureUrl(model, image, width);
  await picture.decode();
  return picture;
}

function save(canvas: HTMLCanvasElement, name: string): void {
  canvas.toBlob((blob) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob!);
    link.download = `${viewer.value!.folder}-${name}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

/** Places of `count` cells in rows, and the size of it all. */
function layOut(count: number, across: number, width: number, height: number): { places: Place[]; width: number; height: number } {
  const places = Array.from({ length: count }, (_, i) => ({
    x: GAP + (i % across) * (width + GAP),
    y: GAP + Math.floor(i / across) * (height + CAPTION + GAP),
    width,
    height,
  }));
  return { places, width: GAP + across * (width + GAP), height: GAP + Math.ceil(count / across) * (height + CAPTION + GAP) };
}

/** The open pictures with what is drawn over them, each 640 pixels wide. */
export async function exportStage(): Promise<void> {
  const shown = open.value.flatMap((image) => models.value.map((_, model) => ({ image, model })));
  if (shown.length === 0) return;
  const { rows, columns } = models.value[0]!;
  const group = models.value.length;
  const across = Math.min(shown.length, Math.max(group, Math.ceil(Math.sqrt(shown.length) / group) * group));
  const layout = layOut(shown.length, across, 640, Math.round((640 * rows) / columns));
  const heads = mode.value === 'attention' ? headMaps() : [];
  const side = heads.length === 0 ? 0 : Math.floor(Math.min(160, (layout.width - GAP) / heads.length - GAP));
  const strip = side === 0 ? 0 : Math.round((side * rows) / columns) + CAPTION + GAP;
  const { canvas, context } = sheet(layout.width, layout.height + strip);
  const pictures = await Promise.all(shown.map(({ model, image }) => load(model, image, 640)));
  shown.forEach(({ image, model }, i) => {
    const at = layout.places[i]!;
    const marked = place.value?.image === image && mode.value === 'similarity' ? chosenPatch(model) : undefined;
    const overlay = overlays.value.get(overlayKey(model, image));
    drawPicture(context, at, { picture: pictures[i]!, overlay, opacity: opacity.value[mode.value], smooth: smooth.value, ...(marked !== undefined && { marked }) });
    const weights = models.value.length > 1 ? `${'AB'[model]} ${models.value[model]!.label} · ` : '';
    write(context, `${weights}${shortName(image)}`, at.x, at.y + at.height + 23, at.width);
  });
  heads.forEach(({ name, overlay }, i) => {
    const at = { x: GAP + i * (side + GAP), y: layout.height, width: side, height: strip - CAPTION - GAP };
    drawPicture(context, at, { overlay, opacity: 1, smooth: smooth.value });
    write(context, name, at.x, at.y + at.height + 19, side, '--soft', 13);
  });
  save(canvas, mode.value);
}

/** Attention of every head in the picture that has the focus. */
function headMaps() {
  const image = focus.value ?? open.value[0]!;
  const { heads, rows, columns } = models.value[lead.value]!;
  return Array.from({ length: heads + 1 }, (_, i) => i - 1).flatMap((head) => {
    const values = headMap(lead.value, image, head, query.value);
    return values === undefined ? [] : [{ name: head < 0 ? 'mean' : `head ${head + 1}`, overlay: { rows, columns, rgba: heatInRange(values, rangeOf([values])) } }];
  });
}

/** The map as it is shown, twice as fine, or the first pictures of the grid. */
export function exportFolder(): void {
  if (folderAs.value === 'map') exportMap();
  else void exportGrid();
}

function exportMap(): void {
  const scene = shownMap.value;
  if (scene === undefined) return;
  const { canvas } = sheet(0, 0);
  canvas.width = Math.round(scene.width * 2);
  canvas.height = Math.round(scene.height * 2);
  const context = canvas.getContext('2d')!;
  context.scale(2, 2);
  drawMap(context, { ...scene, pointed: undefined });
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = colourOf('--page');
  context.fillRect(0, 0, scene.width, scene.height);
  save(canvas, 'map');
}

async function exportGrid(): Promise<void> {
  const entries = folderOrder.value.slice(0, 40);
  const { rows, columns } = models.value[lead.value]!;
  const layout = layOut(entries.length, Math.min(8, entries.length), 160, Math.round((160 * rows) / columns));
  const { canvas, context } = sheet(layout.width, layout.height);
  const pictures = await Promise.all(entries.map(({ image }) => load(lead.value, image, 160).catch(() => undefined)));
  entries.forEach(({ image, similarity, patch }, i) => {
    const at = layout.places[i]!;
    const overlay = overFolder.value && mode.value === 'similarity' && place.value !== undefined ? folderOverlay(lead.value, image) : undefined;
    drawPicture(context, at, { picture: pictures[i], overlay, opacity: opacity.value.similarity, smooth: smooth.value, ...(patch !== undefined && { marked: patch }) });
    write(context, `${similarity === undefined ? '' : `${similarity.toFixed(2)}  `}${shortName(image)}`, at.x, at.y + at.height + 19, at.width, '--soft', 13);
  });
  save(canvas, order.value === 'folder' ? 'folder' : 'neighbours');
}

/** The charts, one below the other in two columns. */
export function exportCurves(): void {
  const charts = shownCharts.value;
  const scale = devicePixelRatio;
  const [width, height] = [Math.max(...charts.map(({ canvas }) => canvas.width)), Math.max(...charts.map(({ canvas }) => canvas.height))];
  const [head, gap] = [54 * scale, 24 * scale];
  const { canvas, context } = sheet(2 * width + 3 * gap, gap + Math.ceil(charts.length / 2) * (height + head + gap));
  charts.forEach((chart, i) => {
    const [x, y] = [gap + (i % 2) * (width + gap), gap + Math.floor(i / 2) * (height + head + gap)];
    write(context, chart.title, x, y + 16 * scale, width, '--text', 14 * scale);
    let left = x;
    for (const { name, colour } of chart.key) {
      write(context, name, left, y + 38 * scale, width, colour, 12.5 * scale);
      left += context.measureText(name).width + 16 * scale;
    }
    context.drawImage(chart.canvas, x, y + head);
  });
  save(canvas, 'training');
}
