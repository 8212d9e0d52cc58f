// What the NVIDIA driver says of the card.
import { execFileSync } from 'node:child_process';

function query(...args) {
  try {
    return execFileSync('nvidia-smi', [...args, '--format=csv,noheader,nounits'], { encoding: 'utf8', timeout: 20_000, stdio: ['ignore', 'pipe', 'ignore'] })
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(',').map((field) => field.trim()));
  } catch {
    return [];
  }
}

/** Name, memory in bytes and driver version of the first card; undefined without a driver. */
export function card() {
  const [row] = query('--query-gpu=name,memory.total,driver_version');
  return row && { name: row[0], memoryBytes: Number(row[1]) * 2 ** 20, driver: row[2] };
}

/** Bytes on the card that the driver counts for this process; undefined where it does not say. */
export function usedByThisProcess() {
  const rows = query('--query-compute-apps=pid,used_memory');
  // In a container the driver sees other numbers; a lone process is then this one.
  const own = rows.find(([pid]) => Number(pid) === process.pid) ?? (rows.length === 1 ? rows[0] : undefined);
  return own && Number.isFinite(Number(own[1])) ? Number(own[1]) * 2 ** 20 : undefined;
}
