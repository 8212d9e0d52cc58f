import type { SchemaElement } from 'hyparquet';
import { CurationError } from '../error';
import { type ColumnType, isListColumn, isListType, isTypedColumn, type NumberArray, physicalTypes, type TableColumn, type TableSchema, typeOfArray } from './column-types';

/** The schema that columns of values have by themselves. */
export function schemaOf(columns: Readonly<Record<string, TableColumn>>): TableSchema {
  return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, typeOf(name, column)]));
}

function typeOf(name: string, column: TableColumn): ColumnType {
  if (isListColumn(column)) return { type: column.type ?? 'float32', width: column.width };
  if (isTypedColumn(column)) {
    const nullable = Array.isArray(column.values) && column.values.includes(null);
    return { type: column.type, ...(nullable && { nullable }) };
  }
  if (ArrayBuffer.isView(column)) return { type: typeOfArray(column as NumberArray) };
  const values = column as readonly (string | boolean | null)[];
  const first = values.find((value) => value !== null);
  if (first !== undefined && typeof first !== 'string' && typeof first !== 'boolean') {
    throw new CurationError(`column "${name}" is a plain array of ${typeof first}; pass a typed array, or { type, values } for numbers with null`);
  }
  return { type: typeof first === 'boolean' ? 'boolean' : 'string', ...(values.includes(null) && { nullable: true }) };
}

/** A schema as a Parquet file says it. */
export function schemaElements(schema: TableSchema): SchemaElement[] {
  const columns = Object.entries(schema).flatMap(([name, type]) => elementsOf(name, type));
  return [{ name: 'schema', num_children: Object.keys(schema).length }, ...columns];
}

function elementsOf(name: string, type: ColumnType): SchemaElement[] {
  if (isListType(type)) {
    return [
      { name, repetition_type: 'REQUIRED', converted_type: 'LIST', logical_type: { type: 'LIST' }, num_children: 1 },
      { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
      {
        name: 'element',
        repetition_type: 'REQUIRED',
        ...(type.type === 'float16' ? { type: 'FIXED_LEN_BYTE_ARRAY', type_length: 2, logical_type: { type: 'FLOAT16' } } : { type: 'FLOAT' }),
      },
    ];
  }
  const { type: physical, converted } = physicalTypes[type.type];
  return [{ name, type: physical, repetition_type: type.nullable ? 'OPTIONAL' : 'REQUIRED', ...(converted && { converted_type: converted }) }];
}
