"""Exceptions, and the one place that turns the library's statuses into them.

SPDX-License-Identifier: BSD-3-Clause
"""


class FastbalError(Exception):
    """Anything that fastbal reports."""


class LibraryError(FastbalError, ValueError):
    """An argument that the C library refuses; the message names it, what was expected and what came."""


_ENOMEM = 1


def raise_for_status(status: int, phrase: str, detail: str) -> None:
    """Raise what a status of the C library (enum fastbal_status) means; 0 is success."""
    if status == _ENOMEM:
        raise MemoryError(phrase)
    if status != 0:
        raise LibraryError(detail or phrase)
