"""Vectors and other columns as pyarrow, pandas and DuckDB lay them out.

python packages/curation/src/tables/foreign-tables.golden.py > packages/curation/src/tables/foreign-tables.golden.json
"""
import base64, io, json, os, tempfile
import duckdb, numpy as np, pandas as pd, pyarrow as pa, pyarrow.parquet as pq

rows, width = 23, 7
values = ((np.arange(rows * width) * 37 % 64) / 8).astype(np.float32).reshape(rows, width)  # a dictionary is worth it
distinct = (np.arange(rows * width) / 64).astype(np.float32).reshape(rows, width)

def encoded(write):
    file = io.BytesIO()
    write(file)
    return base64.b64encode(file.getvalue()).decode()

def table(kind, data=distinct, list_type=pa.list_):
    return pa.table({"id": pa.array(range(rows), pa.uint32()), "embedding": pa.array(data.tolist(), list_type(kind))})

def write(content, **options):
    return encoded(lambda file: pq.write_table(content, file, **options))

def by_duckdb():
    path = os.path.join(tempfile.mkdtemp(), "a.parquet")
    frame = pd.DataFrame({"id": range(rows), "embedding": list(distinct)})
    duckdb.sql(f"COPY (SELECT id, embedding::FLOAT[{width}]::FLOAT[] AS embedding FROM frame) TO '{path}' (FORMAT parquet)")
    return base64.b64encode(open(path, "rb").read()).decode()

float32 = table(pa.float32())
ragged = [row[: 7 - i % 2].tolist() for i, row in enumerate(distinct)]
holes = [None if i == 5 else row.tolist() for i, row in enumerate(distinct)]
inner = [[None, *row[1:].tolist()] if i == 5 else row.tolist() for i, row in enumerate(distinct)]
# One short and one long row: the number of values is right, and the rows are not.
shifted = [row.tolist() for row in distinct]
shifted[3], shifted[4] = shifted[3] + shifted[4][:1], shifted[4][1:]

def lists(data):
    return pa.table({"embedding": pa.array(data, pa.list_(pa.float32()))})

print(json.dumps({
    "rows": rows,
    "width": width,
    "good": {
        "dictionary": {"values": "repeated", "file": write(table(pa.float32(), values))},
        "snappy": {"values": "distinct", "file": write(float32)},
        "gzip": {"values": "distinct", "file": write(float32, compression="gzip")},
        "brotli": {"values": "distinct", "file": write(float32, compression="brotli", use_dictionary=False)},
        "plain": {"values": "distinct", "file": write(float32, compression="none", use_dictionary=False)},
        "version 2": {"values": "distinct", "file": write(float32, data_page_version="2.0", use_dictionary=False)},
        "small pages": {"values": "distinct", "file": write(float32, data_page_size=64, use_dictionary=False, write_batch_size=5)},
        "row groups": {"values": "distinct", "file": write(float32, row_group_size=4)},
        "byte stream split": {"values": "distinct", "file": write(float32, use_dictionary=False, column_encoding={"embedding.list.element": "BYTE_STREAM_SPLIT"})},
        "float16": {"values": "distinct", "file": write(table(pa.float16(), distinct.astype(np.float16)))},
        "float64": {"values": "distinct", "file": write(table(pa.float64()))},
        "fixed size": {"values": "distinct", "file": write(table(pa.float32(), distinct, lambda kind: pa.list_(kind, width)))},
        "pandas": {"values": "distinct", "file": encoded(lambda file: pd.DataFrame({"id": range(rows), "embedding": list(distinct)}).to_parquet(file))},
        "duckdb": {"values": "distinct", "file": by_duckdb()},
    },
    "bad": {"ragged": write(lists(ragged)), "holes": write(lists(holes)), "inner": write(lists(inner)), "shifted": write(lists(shifted))},
    "other": encoded(lambda file: pd.DataFrame({
        "n": pd.array([1, None, 3], "Int64"), "u": np.array([1, 2, 2**32 - 1], np.uint32), "s": ["a", None, "ö"], "b": [True, False, True],
        "i": np.array([-1, 2, 3], np.int8), "f": [0.5, None, 2.5], "when": pd.to_datetime(["2020-01-01"] * 3),
    }).to_parquet(file)),
}))
