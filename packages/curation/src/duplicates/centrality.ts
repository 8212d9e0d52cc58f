import type { Vectors } from '../vectors/vectors';
import type { ComponentList } from './component-list';
import { dotRows, gatherUnitRows, rowsAtATime } from './gather-unit-rows';

/**
 * Mean cosine of each member to all members of its component, itself among them: highest for the medoid.
 *
 * The sum of a row's cosines is its product with the sum of the component's unit vectors, so the vectors are read twice and
 * no pairs are formed.
 *
 * @returns one number per place of `members`
 */
export async function centrality({ labels, starts, members }: ComponentList, vectors: Vectors): Promise<Float64Array> {
  const { columns } = vectors;
  const result = new Float64Array(members.length);
  const most = rowsAtATime(vectors);
  for (let first = 0; first < labels.length; ) {
    // As many components as fit into a reading, and at least one.
    let last = first + 1;
    while (last < labels.length && starts[last + 1]! - starts[first]! <= most) last++;
    const sums = new Float64Array((last - first) * columns);
    const visit = async (act: (place: number, component: number, unit: Float32Array, row: number) => void) => {
      let component = first;
      for (let place = starts[first]!; place < starts[last]!; place += most) {
        const rows = members.subarray(place, Math.min(place + most, starts[last]!));
        const unit = await gatherUnitRows(vectors, rows);
        for (let row = 0; row < rows.length; row++) {
          while (place + row >= starts[component + 1]!) component++;
          act(place + row, component, unit, row);
        }
      }
    };
    await visit((_place, component, unit, row) => {
      for (let c = 0; c < columns; c++) sums[(component - first) * columns + c]! += unit[row * columns + c]!;
    });
    await visit((place, component, unit, row) => {
      const size = starts[component + 1]! - starts[component]!;
      result[place] = dotRows(unit, row, sums, component - first, columns) / size;
    });
    first = last;
  }
  return result;
}
