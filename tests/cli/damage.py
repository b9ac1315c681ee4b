"""FITS files made of plain bytes, and small tools that damage them: no library in between that would refuse to write what
is wrong, or mend it.

SPDX-License-Identifier: BSD-3-Clause
"""
import numpy as np

CARD, BLOCK = 80, 2880
TYPES = {"L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "P": ">i4", "C": ">c8"}
BITPIX = {"u1": 8, "i2": 16, "i4": 32, "i8": 64, "f4": -32, "f8": -64}


# ---- making ----

def padded(data, fill=b"\0"):
    return data + fill * (-len(data) % BLOCK)


def card(key, value):
    """value: as it stands in the file; text gets its quotes here."""
    text = f"'{value:8}'" if isinstance(value, str) else {True: "T", False: "F"}.get(value, value) \
        if isinstance(value, bool) else value
    return f"{key:8}= {text:>20}".ljust(CARD).encode()


def header(cards):
    return padded(b"".join(card(*c) for c in cards) + b"END".ljust(CARD), b" ")


def primary():
    return header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)])


def image(name, array):
    kind = array.dtype.str[1:]
    axes = [(f"NAXIS{k + 1}", n) for k, n in enumerate(reversed(array.shape))]
    return header([("XTENSION", "IMAGE"), ("BITPIX", BITPIX[kind]), ("NAXIS", array.ndim), *axes, ("PCOUNT", 0),
                   ("GCOUNT", 1), ("EXTNAME", name)]) + padded(array.astype(">" + kind).tobytes())


def field(form):
    """(numpy type, shape) of a TFORM."""
    digits = form[:len(form) - len(form.lstrip("0123456789"))]
    repeat, letter = int(digits or 1), form[len(digits)]
    if repeat == 0:
        return "u1", (0,)
    if letter == "A":
        return f"S{repeat}", ()
    return TYPES[letter], (2,) if letter == "P" else () if repeat == 1 else (repeat,)


def table(name, columns, heap=b"", nrows=None):
    """columns: [(name, TFORM, values)]."""
    dtype = np.dtype([(n, *field(form)) for n, form, _ in columns])
    rows = np.zeros(len(columns[0][2]) if nrows is None else nrows, dtype)
    for n, _, values in columns:
        if rows[n].size:
            rows[n] = values
    cards = [("XTENSION", "BINTABLE"), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", dtype.itemsize), ("NAXIS2", len(rows)),
             ("PCOUNT", len(heap)), ("GCOUNT", 1), ("TFIELDS", len(columns)), ("EXTNAME", name)]
    for k, (n, form, _) in enumerate(columns, 1):
        cards += [(f"TTYPE{k}", n), (f"TFORM{k}", form)]
    return header(cards) + padded(rows.tobytes() + heap)


# ---- taking apart and damaging ----

class Hdu:
    """The offsets of an HDU: header, data, end; its cards as {key: value}, all strings."""

    def __init__(self, data, begin):
        self.header, self.cards, place = begin, {}, begin
        while data[place:place + 8] != b"END     ":
            line = data[place:place + CARD].decode()
            if line[8:10] == "= ":
                self.cards.setdefault(line[:8].strip(), line[10:].split(" / ")[0].strip().strip("'").strip())
            place += CARD
        self.end_card = place
        self.data = begin + (place + CARD - begin + BLOCK - 1) // BLOCK * BLOCK
        self.axes = [int(self.cards[f"NAXIS{k + 1}"]) for k in range(int(self.cards["NAXIS"]))]
        self.size = abs(int(self.cards["BITPIX"])) // 8 * (int(np.prod(self.axes)) + int(self.cards.get("PCOUNT", 0))) \
            if self.axes else 0
        self.end = self.data + (self.size + BLOCK - 1) // BLOCK * BLOCK
        self.name = self.cards.get("EXTNAME", "")


class Fits(bytearray):
    """The bytes of a FITS file."""

    @property
    def hdus(self):
        found = []
        while not found or found[-1].end < len(self):
            found.append(Hdu(self, found[-1].end if found else 0))
        return found

    def hdu(self, name):
        return next(h for h in self.hdus if h.name == name)

    def number(self, name):
        return next(k for k, h in enumerate(self.hdus) if h.name == name)

    def card(self, name, key, value):
        """Replace the value of a card, in the format of the file."""
        h = self.hdu(name)
        place = next(p for p in range(h.header, h.end_card, CARD) if self[p:p + 8] == f"{key:8}".encode())
        self[place:place + CARD] = f"{key:8}= {value:>20}".ljust(CARD).encode("latin-1")

    def rename(self, name, key, new):
        """Rename the key of a card."""
        h = self.hdu(name)
        place = next(p for p in range(h.header, h.end_card, CARD) if self[p:p + 8] == f"{key:8}".encode())
        self[place:place + 8] = f"{new:8}".encode()

    def add(self, name, key, value):
        """Insert a card before END; the last block of the header must have room."""
        h = self.hdu(name)
        assert h.end_card + 2 * CARD <= h.data
        self[h.end_card:h.end_card + 2 * CARD] = f"{key:8}= {value:>20}".ljust(CARD).encode() + b"END".ljust(CARD)

    def remove(self, *names):
        for name in names:
            h = self.hdu(name)
            del self[h.header:h.end]

    def replace(self, name, new):
        h = self.hdu(name)
        self[h.header:h.end] = new

    def image(self, name):
        """Its pixels, to be changed in place."""
        h = self.hdu(name)
        kind = {v: k for k, v in BITPIX.items()}[int(h.cards["BITPIX"])]
        return np.ndarray(h.axes[::-1], ">" + kind if kind != "u1" else kind, self, h.data)

    def rows(self, name):
        """The rows of a table, to be changed in place."""
        h = self.hdu(name)
        columns = [(h.cards[f"TTYPE{k}"], *field(h.cards[f"TFORM{k}"])) for k in range(1, int(h.cards["TFIELDS"]) + 1)]
        return np.ndarray(h.axes[1], np.dtype(columns), self, h.data)

    def columns(self, name):
        """[(name, TFORM, values)], as table() takes them."""
        h, rows = self.hdu(name), self.rows(name)
        return [(c, h.cards[f"TFORM{k}"], rows[c].copy()) for k, c in enumerate(rows.dtype.names, 1)]

    def with_column(self, name, column, form=None, values=None):
        """One column of a table replaced; without form, left out."""
        kept = [(c, form, values) if c == column and form else (c, f, v) for c, f, v in self.columns(name)
                if c != column or form]
        self.replace(name, table(name, kept, nrows=self.hdu(name).axes[1]))
