"""What pandas, Polars, DuckDB and safetensors make of a run's files in the object store. The one argument is JSON:

    release, run, stack    as docs/files.md calls them; `stack` is the file of the store's keys
    begin      the page's lines that name the store
    readers    the page's lines for each package, by its name
    checkpoint the page's lines for a checkpoint

Prints {tables: {package: [[row, input_ids, label]]}, weights: {name: [shape, sha256 of the bytes]}}.
"""

import hashlib
import json
import sys
from pathlib import Path

import duckdb
import duckdb_extension_httpfs

request = json.loads(sys.argv[1])
names = {}
exec(
    request["begin"]
    .replace("s3://rapt/releases/local/DIGEST/", request["release"])
    .replace(".rapt/stack/stack.json", request["stack"]),
    names,
)
# DuckDB would fetch it from the network.
duckdb.sql(f"INSTALL '{next(Path(duckdb_extension_httpfs.__file__).parent.rglob('*.duckdb_extension'))}'")

COLUMNS = ["row", "input_ids", "label"]


def read(package: str, lines: str) -> list:
    exec(lines, names)
    rows = names["rows"]
    if package == "duckdb":
        return [list(row) for row in rows.select(*COLUMNS).fetchall()]
    if package == "polars":
        return [list(row) for row in rows.select(COLUMNS).rows()]
    return [
        [int(row), [int(token) for token in ids], int(label)]
        for row, ids, label in rows[COLUMNS].itertuples(index=False)
    ]


tables = {package: read(package, lines) for package, lines in request["readers"].items()}
names["run"] = request["run"]
exec(request["checkpoint"], names)
weights = {
    name: [list(tensor.shape), hashlib.sha256(tensor.tobytes()).hexdigest()]
    for name, tensor in names["weights"].items()
}
print(json.dumps({"tables": tables, "weights": weights}))
