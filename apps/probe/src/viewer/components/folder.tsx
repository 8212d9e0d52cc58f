import { exportFolder } from '../export';
import { count, milliseconds } from '../format';
import { FolderMapView } from '../map/folder-map-view';
import { folderAs, mode, neighbours, open, order, overFolder, place, viewer } from '../state';
import { Grid } from './grid';
import { Icon } from './icon';
import { Segments } from './segments';

/** All pictures of the folder: as a grid in some order, or as a map. */
export function Folder() {
  const orders = [
    { value: 'folder' as const, name: 'Name' },
    { value: 'image' as const, name: 'Like picture', title: 'Nearest by class token', enabled: open.value.length > 0 },
    { value: 'patch' as const, name: 'Like patch', title: 'Nearest by their best patch', enabled: place.value !== undefined },
  ].filter(({ enabled }) => enabled !== false);
  return (
    <section class="folder" aria-label="Folder">
      <div class="bar">
        <Segments
          label="Show the folder as"
          choices={[{ value: 'grid' as const, name: 'Grid' }, { value: 'map' as const, name: 'Map', title: 'Similar pictures lie close to each other' }]}
          value={folderAs.value}
          choose={(value) => (folderAs.value = value)}
        />
        {folderAs.value === 'grid' && orders.length > 1 && (
          <Segments label="Order" choices={orders} value={order.value} choose={(value) => (order.value = value)} />
        )}
        <span class="space" />
        <button type="button" class="icon" title="Save as PNG" aria-label="Save the folder as PNG" onClick={exportFolder}>
          <Icon name="download" />
        </button>
      </div>
      {folderAs.value === 'grid' ? <Grid /> : <FolderMapView />}
      <div class="bar note">
        <p>{note()}</p>
        <span class="space" />
        {folderAs.value === 'grid' && place.value !== undefined && mode.value === 'similarity' && (
          <label class="check" title="Draw the similarities over these pictures too">
            <input type="checkbox" checked={overFolder.value} onChange={({ currentTarget }) => (overFolder.value = currentTarget.checked)} /> heat
          </label>
        )}
      </div>
    </section>
  );
}

function note(): string {
  if (folderAs.value === 'map') return 'Drag to wander, scroll or pinch to zoom, click to open.';
  const list = neighbours.value;
  if (order.value !== 'folder' && list !== undefined) {
    const total = viewer.value!.names.length;
    const where = list.searched < total ? `${count(list.searched)} of ${count(total)} pictures` : `${count(total)} pictures`;
    return `${order.value === 'patch' ? 'Best patch of each of' : 'Class tokens of'} ${where} compared in ${milliseconds(list.milliseconds)}.`;
  }
  return 'Click to open, + or shift-click to open one more.';
}
