import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { functionNames } from './functions';
import { argumentLayouts, executeOptions, keyValueGet, keyValuePut, keyValueTryGet, namedValue, program } from './layouts';
import { layout, type Fields } from './struct';

const header = process.env['DINOV2_PJRT_HEADER'] ?? '';
const missing =
  header === '' || !existsSync(header)
    ? ' (skipped: set DINOV2_PJRT_HEADER to pjrt_c_api.h; the Python package tensorflow-cpu has it in include/xla/pjrt/c)'
    : spawnSync('cc', ['--version']).status === 0
      ? ''
      : ' (skipped: no C compiler)';

const structs: Readonly<Record<string, Fields>> = {
  ...Object.fromEntries(Object.entries(argumentLayouts).map(([name, fields]) => [`${name}_Args`, fields])),
  PJRT_Program: program,
  PJRT_ExecuteOptions: executeOptions,
  PJRT_NamedValue: namedValue,
  PJRT_KeyValueGetCallback_Args: keyValueGet,
  PJRT_KeyValueTryGetCallback_Args: keyValueTryGet,
  PJRT_KeyValuePutCallback_Args: keyValuePut,
};

describe.skipIf(missing)(`layouts${missing}`, () => {
  it('are those of the C header', () => {
    const rows: [expression: string, ours: number][] = functionNames.map((name, i) => [`offsetof(PJRT_Api, ${name})`, 40 + 8 * i]);
    for (const [name, fields] of Object.entries(structs)) {
      const { offsets, size } = layout(fields);
      rows.push([`${name}_STRUCT_SIZE`, size]);
      // The value is a union without a name.
      const member = (field: string) => (name === 'PJRT_NamedValue' && field === 'value' ? 'string_value' : field);
      for (const [field, offset] of offsets) rows.push([`offsetof(${name}, ${member(field)})`, offset]);
    }
    const folder = mkdtempSync(join(tmpdir(), 'dinov2-layouts-'));
    try {
      const source = join(folder, 'layouts.c');
      const lines = rows.map(([expression]) => `printf("%zu\\n", (size_t)(${expression}));`);
      writeFileSync(source, `#include <stdio.h>\n#include "pjrt_c_api.h"\nint main() {\n${lines.join('\n')}\n}\n`);
      execFileSync('cc', ['-I', dirname(header), source, '-o', join(folder, 'layouts')]);
      const theirs = execFileSync(join(folder, 'layouts'), { encoding: 'utf8' }).trim().split('\n').map(Number);
      expect(rows.map(([expression], i) => `${expression} = ${theirs[i]}`)).toEqual(rows.map(([expression, ours]) => `${expression} = ${ours}`));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
