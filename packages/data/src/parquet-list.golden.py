"""Lists of images as pyarrow and pandas write them.

python packages/data/src/parquet-list.golden.py > packages/data/src/parquet-list.golden.json
"""
import base64, io, json
import pandas as pd, pyarrow as pa, pyarrow.parquet as pq

rows = {
    "path": ["a.jpg", "shard.tar", "shard.tar", "ö/b.jpg"],
    "label": ["dog", "cat", None, "dog"],
    "offset": [None, 512, 4096, None],
    "length": [None, 700, 9000, None],
    "embedding": [[1.0, 2.0]] * 4,
}

def encoded(write):
    file = io.BytesIO()
    write(file)
    return base64.b64encode(file.getvalue()).decode()

table = pa.table({**rows, "offset": pa.array(rows["offset"], pa.int64()), "length": pa.array(rows["length"], pa.uint32())})
numbered = pa.table({"path": ["a.jpg", "b.jpg"], "label": pa.array([10, 9], pa.int64())})
print(json.dumps({
    "arrow": encoded(lambda file: pq.write_table(table, file)),
    "groups": encoded(lambda file: pq.write_table(table, file, row_group_size=3, data_page_version="2.0", use_dictionary=False, compression="none")),
    "pandas": encoded(lambda file: pd.DataFrame(rows).to_parquet(file)),
    "numbered": encoded(lambda file: pq.write_table(numbered, file)),
    "gzip": encoded(lambda file: pq.write_table(table, file, compression="gzip")),
    "pathless": encoded(lambda file: pq.write_table(table.drop_columns("path"), file)),
}))
