"""Reading catalogs.

SPDX-License-Identifier: BSD-3-Clause
"""
import os
from typing import Any, Union

from ._errors import FastbalError

HDUS = ("BALCAT", "ZCATALOG", "QSO_CAT", "BAL_TROUGHS")


def read(path: Union[str, "os.PathLike[str]"], *, hdu: Union[None, int, str] = None, pandas: bool = False) -> Any:
    """Read a catalog, a BAL table or a trough table.

    Parameters
    ----------
    path : str or path
        The file.
    hdu : int or str, optional
        Number or name of the table. Default: the first of BALCAT, ZCATALOG, QSO_CAT and BAL_TROUGHS.
    pandas : bool
        Return a DataFrame; array columns become one column per element, ``VMIN_CIV_450_0`` and so on.

    Returns
    -------
    astropy.table.Table or pandas.DataFrame
        With units and descriptions, where the file has them, and the header in ``meta``.

    Raises
    ------
    ImportError
        If astropy (or pandas) is not installed.
    FastbalError
        If the file has no such table.
    OSError
        If there is no such file, or it is not FITS.
    """
    from astropy.io import fits
    from astropy.table import Table

    with fits.open(path) as hdus:
        tables = {k: part.name for k, part in enumerate(hdus) if isinstance(part, fits.BinTableHDU)}
        chosen = next((k for wanted in ([hdu] if hdu is not None else HDUS) for k, name in tables.items() if wanted in (k, name)), None)
        if chosen is None:
            raise FastbalError(f"{os.fspath(path)}: expected a table {', '.join(HDUS) if hdu is None else hdu}, "
                               f"found {', '.join(tables.values()) or 'none'}")
        table = Table.read(hdus, hdu=chosen)
        header = hdus[chosen].header
        for k, name in enumerate(hdus[chosen].columns.names, 1):
            table[name].description = header.get(f"TCOMM{k}")
    return _frame(table) if pandas else table


def _frame(table: Any) -> Any:
    from astropy.table import Table

    flat = Table()
    for name in table.colnames:
        if table[name].ndim == 1:
            flat[name] = table[name]
        else:
            for k in range(table[name].shape[1]):
                flat[f"{name}_{k}"] = table[name][:, k]
    return flat.to_pandas()
