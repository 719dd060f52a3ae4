"""Makes the CUDA libraries that torch's wheel is linked with, as empty shells: torch then loads without them.

    python3 stand_ins.py FOLDER

FOLDER is torch/lib. PyTorch for Linux comes with CUDA alone. Its libraries are 3 GB of wheels, and the loader wants
each of them and every function by name. Without a GPU only the runtime is called, to ask for one, so the runtime has
to be the real one. Each function of the shells answers cudaErrorNoDevice. The functions and their versions are read
from torch's own libraries. Needs readelf and a C compiler.
"""

import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

NO_DEVICE = 100
OF_CUDA = re.compile(r"lib(cu|nv|nccl)")
# Where functions belong that carry no version; all others of CUDA are the driver's.
BY_PREFIX = {
    "nccl": "libnccl",
    "cusparseLt": "libcusparseLt",
    "cuFile": "libcufile",
    "nvshmem": "libnvshmem_host",
    "": "libcuda",
}


def main(folder: Path) -> None:
    libraries = [library for library in sorted(folder.glob("*.so*")) if not OF_CUDA.match(library.name)]
    needed = {
        name for library in libraries for name in re.findall(r"\(NEEDED\).*\[(.+)\]", readelf("--dynamic", library))
    }
    real = {library.name for library in folder.parents[1].glob("nvidia/**/*.so*")}
    missing = {name.split(".so")[0]: name for name in needed - real if OF_CUDA.match(name)}
    functions = defaultdict(set)
    for name, version in undefined(libraries):
        prefix = next(prefix for prefix in BY_PREFIX if name.startswith(prefix))
        library = missing.get(version.split(".so")[0]) or missing.get(BY_PREFIX[prefix])
        if library and (version == library or (re.match(r"_*(cu|nv|nccl)", name) and not version.startswith("GLIBC"))):
            functions[library].add((name, version))
    with tempfile.TemporaryDirectory() as scratch:
        for library in missing.values():
            compile_shell(folder / library, sorted(functions[library]), Path(scratch))


def undefined(libraries: list) -> set:
    """Names and versions of what these libraries take from others."""
    wanted, defined = set(), set()
    for library in libraries:
        for line in readelf("--dyn-syms", library).splitlines():
            match line.split():
                case [_, _, _, _, "GLOBAL", _, "UND", symbol, *_]:
                    name, _, version = symbol.partition("@")
                    wanted.add((name, version.lstrip("@")))
                case [_, _, _, _, "GLOBAL" | "WEAK" | "UNIQUE", _, _, symbol, *_]:
                    defined.add(symbol.split("@")[0])
    return {(name, version) for name, version in wanted if name not in defined}


def compile_shell(path: Path, functions: list, scratch: Path) -> None:
    source, exports = scratch / "shell.c", scratch / "shell.map"
    source.write_text("".join(f"int {name}(void) {{ return {NO_DEVICE}; }}\n" for name, _ in functions))
    versions = sorted({version for _, version in functions if version})
    exports.write_text(
        "".join(
            f"{version} {{ global: {' '.join(f'{name};' for name, of in functions if of == version)} }};\n"
            for version in versions
        )
    )
    named = [f"-Wl,--version-script={exports}"] if versions else []
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-w", "-fno-builtin", "-o", path, source, f"-Wl,-soname,{path.name}", *named],
        check=True,
    )


def readelf(option: str, library: Path) -> str:
    return subprocess.run(["readelf", "--wide", option, library], check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
