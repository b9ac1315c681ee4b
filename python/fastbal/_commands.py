"""The commands of the program as functions.

SPDX-License-Identifier: BSD-3-Clause
"""
import json
import os
import re
import subprocess
import threading
import warnings
from typing import Any, Callable, List, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np

from . import _library
from ._arrays import word
from ._errors import FastbalError

Path = Union[str, "os.PathLike[str]"]
Progress = Callable[[int, int], None]


class CommandResult(NamedTuple):
    """What a command did."""

    status: int
    """0: all that was asked for; 1: done, but some quasars or pixels are missing."""
    summary: List[str]
    """The lines it printed."""
    messages: List[str]
    """Errors and warnings, one line each."""


class CommandError(FastbalError, RuntimeError):
    """A command did nothing, or was stopped.

    Attributes
    ----------
    status : int
        Its exit status, 2; negative: the signal that ended it.
    messages : list of str
        Its errors and warnings, one line each.
    command : list of str
        The words of its command line.
    """

    def __init__(self, command: Sequence[str], status: int, messages: List[str]):
        super().__init__("\n".join(messages) or f"{command[1]}: ended with status {status}")
        self.command, self.status, self.messages = list(command), status, messages


def _words(options: Mapping[str, Any]) -> List[str]:
    """Keyword arguments as options: name_of_option=value."""
    words: List[str] = []
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is None or (isinstance(value, (bool, np.bool_)) and not value):
            continue
        words.append(option)
        if isinstance(value, (list, tuple, set, range, np.ndarray)):
            words += [word(name, part) for part in value]
        elif not isinstance(value, (bool, np.bool_)):
            words.append(word(name, value))
    return words


def command(name: str, *arguments: Any, progress: Optional[Progress] = None, **options: Any) -> CommandResult:
    """Run ``fastbal NAME ARGUMENTS --option value ...``.

    Parameters
    ----------
    name : str
        The command: ``"find"``, ``"score"``, ``"report"``, ...
    *arguments
        Positional arguments.
    progress : callable, optional
        Called as ``progress(done, all)`` after each block of pixels; for split, find, append, run and mask_coadds.
    **options
        Options by their long names, ``-`` as ``_``: ``nproc=4``, ``clobber=True``, ``healpix=[8139, 8140]``. None and False leave an
        option out.

    Returns
    -------
    CommandResult

    Warns
    -----
    UserWarning
        With status 1, where some quasars or pixels are missing.

    Raises
    ------
    CommandError
        With status 2, where nothing was done.
    TypeError, LibraryError
        An argument is no text, number or path.
    """
    return _call(name, *arguments, progress=progress, **options)


def _call(name: str, *arguments: Any, progress: Optional[Progress] = None, **options: Any) -> CommandResult:
    """As `command`; warnings point to the caller of the function that calls this one."""
    if progress is not None:
        options.setdefault("verbose", True)
        options.setdefault("chunk_size", 1)
    words = [str(_library.program()), name, *(word("argument", a) for a in arguments), *_words(options)]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")
    messages: List[str] = []
    reader = threading.Thread(target=lambda: messages.extend(line.rstrip("\n") for line in process.stderr or ()))
    reader.start()
    summary: List[str] = []
    try:
        for line in process.stdout or ():
            found = re.match(r"chunk .*: (\d+) of (\d+) pixels done", line)
            if found and progress is not None:
                progress(int(found[1]), int(found[2]))
            else:
                summary.append(line.rstrip("\n"))
        process.wait()
    except BaseException:
        process.terminate()  # the program ends in order
        process.wait()
        raise
    finally:
        reader.join()
        for stream in (process.stdout, process.stderr):
            if stream:
                stream.close()
    status = process.returncode
    if status not in (0, 1):
        raise CommandError(words, status, messages)
    if status == 1:
        warnings.warn("\n".join(messages) or f"{name}: ended with status 1 ({name} --help, docs/running.md)", stacklevel=3)
    return CommandResult(status, summary, messages)


def split(qsocat: Path, altzdir: Path, **options: Any) -> CommandResult:
    """Split a QSO catalog into one redshift catalog for each pixel: ``fastbal split``.

    Parameters
    ----------
    qsocat : path
        The QSO catalog.
    altzdir : path
        The folder to write to.
    **options
        Other options of the command; these, what is returned and errors as for `command`.
    """
    return _call("split", qsocat=qsocat, altzdir=altzdir, **options)


def find(altzdir: Path, release: Optional[Path] = None, **options: Any) -> CommandResult:
    """Measure the quasars of all redshift catalogs, and write one BAL table for each pixel: ``fastbal find``.

    Parameters
    ----------
    altzdir : path
        The folder of the redshift catalogs; BAL tables are written there as well, without ``baldir=``.
    release : str or path, optional
        The release to read coadds of, a folder in ``$DESI_SPECTRO_REDUX`` or a path. ``tree=`` may stand for it.
    **options
        Other options of the command; these, what is returned and errors as for `command`.
    """
    return _call("find", altzdir=altzdir, release=release, **options)


def append(qsocat: Path, baldir: Path, outcatfile: Path, **options: Any) -> CommandResult:
    """Append the columns of BAL tables to a QSO catalog: ``fastbal append``.

    Parameters
    ----------
    qsocat : path
        The QSO catalog.
    baldir : path
        The folder of the BAL tables.
    outcatfile : path
        The catalog with BAL columns to write.
    **options
        Other options of the command; these, what is returned and errors as for `command`.
    """
    return _call("append", qsocat=qsocat, baldir=baldir, outcatfile=outcatfile, **options)


def run(qsocat: Path, outcatfile: Path, release: Optional[Path] = None, **options: Any) -> CommandResult:
    """Measure the quasars of a QSO catalog and append their BAL columns: ``fastbal run``.

    Parameters
    ----------
    qsocat : path
        The QSO catalog.
    outcatfile : path
        The catalog with BAL columns to write.
    release : str or path, optional
        The release to read coadds of, a folder in ``$DESI_SPECTRO_REDUX`` or a path. ``tree=`` may stand for it.
    **options
        Other options of the command; these, what is returned and errors as for `command`.
    """
    return _call("run", qsocat=qsocat, outcatfile=outcatfile, release=release, **options)


def mask_coadds(qsocat: Path, workdir: Path, release: Optional[Path] = None, **options: Any) -> CommandResult:
    """Write coadds in which the pixels of troughs have ivar 0: ``fastbal mask`` (docs/mask.md).

    Parameters
    ----------
    qsocat : path
        A catalog with BAL columns.
    workdir : path
        The folder to write to.
    release : str or path, optional
        The release to read coadds of, a folder in ``$DESI_SPECTRO_REDUX`` or a path. ``tree=`` may stand for it.
    **options
        Other options of the command; these, what is returned and errors as for `command`.
    """
    return _call("mask", qsocat=qsocat, workdir=workdir, release=release, **options)


def diff(a: Path, b: Path, **options: Any) -> Any:
    """What changed between two catalogs, BAL tables or trees: ``fastbal diff`` (docs/diff.md).

    Parameters
    ----------
    a, b : path
        Two files, or two folders.
    **options
        Other options of the command, as for `command`.

    Returns
    -------
    dict
        The JSON of ``fastbal diff --json``. Differences are no error.

    Raises
    ------
    CommandError
        If a file can't be compared.
    """
    words = [str(_library.program()), "diff", word("a", a), word("b", b), "--json", *_words(options)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode not in (0, 1):
        raise CommandError(words, done.returncode, done.stderr.splitlines())
    return json.loads(done.stdout)
