"""Loading: files, environment and flags into one tree, with everything that is wrong in one list."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Final

from nexus.config.environment import overlay
from nexus.config.line_index import line_index
from nexus.config.origin import Origin
from nexus.config.problem import Problem
from nexus.config.references import resolve
from nexus.config.scrubber import Scrubber
from nexus.config.tree import Tree

DEFAULT_FILE: Final = "config.toml"
ENVIRONMENT: Final = "NEXUS_ENV"
MAX_FILE_BYTES: Final = 1_048_576
"""A thousand modules fit into it many times; a larger file is a wrong path."""

MAX_DEPTH: Final = 64
"""Tables and arrays in one another: more than anybody writes, and few enough for every later step to recurse."""

_ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_WHERE: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration as it was read, before any model has looked at it.

    Attributes:
        tree: all layers in one.
        problems: what is wrong with the layers themselves.
        files: those that were read, lowest first.
        directory: of the main file; relative paths in the configuration are meant from here.
    """

    tree: Tree
    problems: tuple[Problem, ...]
    files: tuple[FilePath, ...]
    directory: FilePath


def load(
    files: Sequence[FilePath] = (),
    *,
    environment: str | None = None,
    environ: Mapping[str, str] = os.environ,
    flags: Mapping[str, object] | None = None,
    directory: FilePath | None = None,
    scrubber: Scrubber,
) -> Loaded:
    """Reads all layers, lowest first: file, environment's file, further files, variables, flags.

    Args:
        files: named on the command line; the first stands in the place of `config.toml`.
        environment: names the one environment; `NEXUS_ENV` where None.
        environ: the environment variables.
        flags: dotted keys and values given on the command line.
        directory: where `config.toml` is looked for; the working directory where None.
        scrubber: learns every value that comes by reference.

    Returns:
        What was read. Content that is wrong is in its problems; nothing is raised for it.
    """
    # Whole paths, since a module may change the working directory before they are used.
    here = (directory or FilePath()).absolute()
    files = [here / file for file in files]
    main = files[0] if files else here / DEFAULT_FILE
    wanted = list(files) or ([main] if main.exists() else [])
    environment = environment or environ.get(ENVIRONMENT) or None
    tree, problems, read = Tree(), list[Problem](), list[FilePath]()
    if environment is not None and not _ENVIRONMENT_NAME.fullmatch(environment):
        problems.append(Problem(None, "", f"the environment {environment!r} is no name: use letters, digits, '-', '_'"))
    elif environment is not None:
        layer = main.with_name(f"{main.stem}.{environment}{main.suffix}")
        if wanted or layer.exists():
            # Naming an environment is naming its file.
            wanted.insert(1, layer)
        else:
            problems.append(Problem(None, "", _nothing_of(environment, main, layer), "warning"))
    for file in wanted:
        problem = _lay(tree, file, here)
        if problem:
            problems.append(problem)
        else:
            read.append(file)
    problems += overlay(tree, environ)
    for key, value in (flags or {}).items():
        tree.put(tuple(key.split(".")), value, Origin("flag", "--" + key.rpartition(".")[2].replace("_", "-")))
    home = main.parent if files or main.exists() else here
    problems += resolve(tree, environ, home)
    for text in _from_sources(tree):
        scrubber.register(text)
    return Loaded(tree, tuple(problems), tuple(read), home)


def _nothing_of(environment: str, main: FilePath, layer: FilePath) -> str:
    return (
        f"the environment {environment!r} is named, but there is neither '{main.name}' nor '{layer.name}' here, so the"
        " defaults hold: go to the folder that has them, or name a file with -c"
    )


class _UnusableFileError(Exception):
    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def _lay(tree: Tree, file: FilePath, here: FilePath) -> Problem | None:
    name = str(file.relative_to(here)) if file.is_relative_to(here) else str(file)
    try:
        text = _read(file)
        data = _parse(text)
    except _UnusableFileError as error:
        return Problem(Origin("file", name, error.line), "", str(error))
    tree.merge(data, {path: Origin("file", name, line) for path, line in line_index(text).items()})
    return None


def _read(file: FilePath) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise _UnusableFileError(f"has more than {MAX_FILE_BYTES} bytes: is it the right file?")
        return content.decode("utf-8-sig")  # some editors put a byte order mark before the first key
    except FileNotFoundError:
        raise _UnusableFileError("is not there: create it or correct the name") from None
    except IsADirectoryError:
        raise _UnusableFileError("is a folder: name the file") from None
    except UnicodeDecodeError:
        raise _UnusableFileError("is not UTF-8: save it as UTF-8 text") from None
    except OSError as error:
        raise _UnusableFileError(f"cannot be read ({error.strerror}): check its permissions") from None


def _parse(text: str) -> dict[str, object]:
    try:
        data: dict[str, object] = tomllib.loads(text)
    except RecursionError:
        raise _UnusableFileError("is nested too deeply: flatten it") from None
    except tomllib.TOMLDecodeError as error:
        found = _WHERE.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        message = _WHERE.sub("", str(error))
        raise _UnusableFileError(f"is not valid TOML ({message[:1].lower()}{message[1:]}): correct it", line) from None
    except ValueError:
        raise _UnusableFileError("holds an integer of too many digits: correct it") from None
    if _is_deeper(data, MAX_DEPTH):
        raise _UnusableFileError(f"is nested more than {MAX_DEPTH} deep: flatten it")
    return data


def _is_deeper(data: object, depth: int) -> bool:
    level: list[object] = [data]
    for _ in range(depth):
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return any(isinstance(each, dict | list) for each in level)


def _from_sources(tree: Tree) -> Iterator[str]:
    for path, value in tree.leaves():
        if isinstance(value, str) and tree.source(path) is not None:
            yield value
