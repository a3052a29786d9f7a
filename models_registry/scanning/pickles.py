"""Which names a pickle would import, read from its opcodes. Nothing is loaded.

Loading a pickle runs whatever it names (Python documentation, ``pickle``: "It is possible to construct malicious pickle data which will
execute arbitrary code during unpickling"). So every pickle is quarantined; the list tells people what they are looking at.
"""

from __future__ import annotations

import pickletools
from collections import deque
from collections.abc import Iterator
from typing import IO, Any

from models_registry.scanning.contract import Issue

#: Opcodes looked at; a pickle with more is not read to its end.
MOST_OPCODES = 5_000_000
#: Stands for what is no text, or computed.
COMPUTED = "?"
#: Names listed at the most.
MOST_NAMES = 50
#: Modules that no model needs and by which code is run, files are changed or the network is reached.
DANGEROUS = frozenset(
    [
        "__builtin__",
        "asyncio",
        "bdb",
        "builtins",
        "code",
        "codecs",
        "commands",
        "ctypes",
        "http",
        "importlib",
        "marshal",
        "multiprocessing",
        "nt",
        "os",
        "pathlib",
        "pdb",
        "pickle",
        "pip",
        "posix",
        "pty",
        "pydoc",
        "requests",
        "runpy",
        "shutil",
        "signal",
        "smtplib",
        "socket",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
        "threading",
        "timeit",
        "types",
        "urllib",
        "venv",
        "webbrowser",
    ]
)
#: Of these modules, names that do no more than build data.
_HARMLESS = frozenset(
    f"{module}.{name}"
    for module in ("builtins", "__builtin__")
    for name in (
        "set",
        "frozenset",
        "bytearray",
        "complex",
        "list",
        "dict",
        "tuple",
        "slice",
        "range",
        "object",
        "int",
        "float",
        "str",
        "bytes",
        "bool",
    )
) | {"_codecs.encode"}
_STRINGS = frozenset(
    ["SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "SHORT_BINSTRING", "BINSTRING"]
)


class UnreadablePickleError(ValueError):
    """The bytes are no complete pickle."""


def imports(file: IO[bytes]) -> Iterator[str]:
    """Every ``module.name`` that loading would import, in order, of all pickles that follow one another in the file.

    ``STACK_GLOBAL`` takes its two names from the stack; they are followed through the memo. A part that is computed is ``?``.

    Raises
    ------
    UnreadablePickleError
        When the bytes end early, or hold an opcode that does not exist.
    """
    texts: deque[str] = deque(maxlen=2)
    memo: dict[int, str] = {}
    top = COMPUTED  # what was pushed last, where it is a text
    for number, (opcode, argument, _) in enumerate(_opcodes(file)):
        if number > MOST_OPCODES:
            raise UnreadablePickleError(f"it has more than {MOST_OPCODES:,} opcodes")
        name = opcode.name
        if name in ("GLOBAL", "INST"):
            yield str(argument).replace(" ", ".", 1)
        elif name == "STACK_GLOBAL":
            yield ".".join(texts) if len(texts) == 2 else COMPUTED
        if name in ("MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"):
            memo[len(memo) if argument is None else int(argument)] = top
            continue
        if name in _STRINGS:
            texts.append(str(argument))
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            texts.append(memo.get(int(argument), COMPUTED))
        else:
            top = COMPUTED
            continue
        top = texts[-1]


def pickle_issues(file: IO[bytes], where: str) -> Iterator[Issue]:
    """Why a pickle is not loaded: that it is one, and what of it is dangerous."""
    try:
        named = list(dict.fromkeys(imports(file)))
    except UnreadablePickleError as error:
        yield Issue("unreadable-pickle", where, f"this pickle cannot be read: {error}; save the model again")
        return
    listed = ", ".join(named[:MOST_NAMES]) or "nothing"
    yield Issue(
        "pickle",
        where,
        f"loading a pickle runs what it names ({listed}); save the model with skops or as ONNX",
    )
    for name in named:
        if name.partition(".")[0] in DANGEROUS and name not in _HARMLESS:
            yield Issue(
                "dangerous-import",
                where,
                f"loading it would call {name}, which no model needs: find out who made this file",
            )


def _opcodes(file: IO[bytes]) -> Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]]:
    while True:
        try:
            yield from pickletools.genops(file)
        except (ValueError, IndexError, KeyError, EOFError, MemoryError, UnicodeDecodeError) as error:
            raise UnreadablePickleError("it is cut off or damaged") from error
        place = file.tell()
        if not file.read(1):
            return
        file.seek(place)
