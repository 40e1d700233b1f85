#!/usr/bin/env python3
"""House rules that a compiler does not check. Prints each breach as file:line and exits 1 if there is one.

- An include goes down the list of rooms only, and never between ingest and query or net and proto.
- Heavy third-party headers stay out of our headers.
- Every .cc file is listed by a CMakeLists.txt, and every test file too.
- Headers begin with a comment that says what they are and have #pragma once.
- Every line of docs/compat.md names a test, and the tests are there.
"""
import pathlib
import re
import subprocess
import sys

ROOMS = ["base", "model", "net", "proto", "storage", "ingest", "query", "alert", "server", "tools"]
SIDEWAYS = {("ingest", "query"), ("query", "ingest"), ("net", "proto"), ("proto", "net")}
HEAVY = re.compile(r"#include <(boost/|rocksdb/|google/protobuf|yaml-cpp|CLI/|re2/|curl/|simdjson|nlohmann|roaring)")
INSIDE = {"net/connection.h"}  # what only sources of the same room include
INCLUDE = re.compile(r'#include "([a-z_]+)/')


def tracked(root: pathlib.Path) -> list[pathlib.Path]:
    names = subprocess.run(["git", "ls-files", "*.h", "*.cc"], cwd=root, check=True, capture_output=True,
                           text=True).stdout.split()
    return [root / name for name in names if (root / name).exists()]


def include_breaches(root: pathlib.Path, path: pathlib.Path):
    name = str(path.relative_to(root))
    room = path.relative_to(root).parts[0]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match and room in ROOMS and match[1] in ROOMS and match[1] != room:
            if ROOMS.index(match[1]) > ROOMS.index(room) or (room, match[1]) in SIDEWAYS:
                yield f"{number}: {room} must not include {match[1]}"
        elif match and room in ROOMS and match[1] in ("tests", "bench"):
            yield f"{number}: {room} must not include {match[1]}"
        if path.suffix == ".h" and HEAVY.match(line) and name not in INSIDE:
            yield f"{number}: heavy header in a header: {line}"


def header_breaches(path: pathlib.Path):
    lines = path.read_text().splitlines()
    if not lines or not lines[0].startswith("//"):
        yield "1: a header begins with what it is and its thread rule"
    if "#pragma once" not in lines:
        yield "1: no #pragma once"


def listed_sources(root: pathlib.Path) -> set[pathlib.Path]:
    listed = set()
    for cmake in root.rglob("CMakeLists.txt"):
        if "build" in cmake.relative_to(root).parts:
            continue
        for name in re.findall(r"[\w./${}-]+\.cc\b", cmake.read_text()):
            name = name.replace("${CMAKE_SOURCE_DIR}", str(root)).replace("${CMAKE_CURRENT_SOURCE_DIR}", str(cmake.parent))
            listed.add((cmake.parent / name).resolve())
    return listed


TEST = re.compile(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", re.MULTILINE)
NAMED = re.compile(r"`([A-Z]\w+\.[A-Z]\w+)`")


def compat_breaches(root: pathlib.Path):
    tests = {".".join(found) for path in (root / "tests").rglob("*.cc") for found in TEST.findall(path.read_text())}
    line, number = "", 0
    for at, text in enumerate((root / "docs/compat.md").read_text().splitlines() + ["- end"], 1):
        if line and (text.startswith(("- ", "#")) or not text):
            names = NAMED.findall(line)
            missing = [name for name in names if name not in tests]
            if not names:
                yield f"{number}: names no test"
            yield from (f"{number}: there is no test {name}" for name in missing)
            line = ""
        if text.startswith("- "):
            line, number = text, at
        elif line:
            line += " " + text


def main() -> int:
    root = pathlib.Path(__file__).resolve().parents[2]
    listed = listed_sources(root)
    breaches = []
    for path in tracked(root):
        found = list(include_breaches(root, path))
        if path.suffix == ".h":
            found += header_breaches(path)
        elif path.resolve() not in listed:
            found.append("1: listed by no CMakeLists.txt")
        breaches += [f"{path.relative_to(root)}:{text}" for text in found]
    breaches += [f"docs/compat.md:{text}" for text in compat_breaches(root)]
    print("\n".join(breaches) if breaches else "tidy: no breach")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
