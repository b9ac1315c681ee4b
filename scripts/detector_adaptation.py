#!/usr/bin/python3
"""Measure what fastbal train --detector makes of the built-in detector on other populations of simulated quasars.

usage: detector_adaptation.py [--templates NAME ...] [--only WORD ...] [--quasars N] [--train-seed N]
                              [--train-quasars N] [--seed N ...] [--fastbal PROGRAM]

Prints the table of docs/train.md in Markdown. For each population, a detector is adapted to the spectra of one seed, without their
truth, and judged beside the built-in one on the others. Continua are made of the templates of --templates: guo, brodzeller or
files; guo and brodzeller if $FASTBAL_TEMPLATES is set. --only takes the populations in whose name one of the words is.

ECE            expected calibration error, in ten bins of BAL_PROB; by chance: what is expected where BAL_PROB is right
               (of the adapted detector)
share          of quasars like those with an outflow, as estimated, and what it is

Errors are from resampling. The populations are those of fastbal simulate, and of detector_populations.py. All takes half an hour
of a core, and 3 GB of temporary files.

SPDX-License-Identifier: BSD-3-Clause
"""
import argparse
import functools
import os
import pathlib
import tempfile

from astropy.io import fits

from detector_figures import average_precision, calibration_error, chance_error, print_table, resampled
from detector_populations import (PER_PIXEL, RULE, boxes_and_ramps, command, make_sample, other_continua, simulate, spectra_of,
                                  tilted_continua)


def populations(options):
    """{name: (options of simulate, how spectra are changed)}"""
    continua = {f"continua of {pathlib.Path(name).stem}": ((), functools.partial(other_continua, name))
                for name in options.templates}
    found = {"as it is": ((), None), **{f"simulate {' '.join(how)}": (how, None) for how in (
        ("--bal-fraction", "0.08"), ("--bal-fraction", "0.30"), ("--gaps",), ("--bright",), ("--mock",), ("--no-narrow-systems",))},
        **continua, "tilted continua": ((), tilted_continua), "boxes, ramps": (("--bal-fraction", "0"), boxes_and_ramps)}
    return {name: what for name, what in found.items() if not options.only or any(word in name for word in options.only)}


def adapt(options, folder, how, change):
    """Adapt the detector to one seed; returns its file and the estimated share."""
    tree, detector = folder / "tree", folder / "adapted.fits"
    simulate(argparse.Namespace(fastbal=options.fastbal, quasars=options.train_quasars), tree, options.train_seed, *how, change=change)
    command(options.fastbal, "train", "--detector", "-q", tree / "qso.fits", *spectra_of(tree), "-o", detector)
    return detector, fits.getheader(detector, "DETECTOR")["TRNSHARE"]


def row(options, name, how, change):
    with tempfile.TemporaryDirectory() as folder:
        detector, share = adapt(options, pathlib.Path(folder), how, change)
        sample = make_sample(options, *how, change=change, choices={
            **RULE, "adapted": (*RULE["trough-aware"], "--detector", detector)})
    p, cells = {"built-in": sample.p, "adapted": sample.found["adapted"]["BAL_PROB"].astype("f4")}, []
    for statistic in (calibration_error, average_precision):
        cells += [resampled(statistic, values, sample.bal) for values in p.values()]
    return [name, len(sample.p), sample.bal.sum(), f"{share:.3f}", f"{sample.bal.mean():.3f}", *cells[:2], chance_error(p["adapted"]),
            *cells[2:]]


def main():
    parser = argparse.ArgumentParser(description="Measure the detector before and after it was adapted to other populations.")
    parser.add_argument("--templates", nargs="+", metavar="NAME",
                        default=["guo", "brodzeller"] if os.environ.get("FASTBAL_TEMPLATES") else [])
    parser.add_argument("--only", nargs="+", metavar="WORD", default=[], help="some populations")
    parser.add_argument("--quasars", type=int, default=6000, help=f"of each seed, in steps of {PER_PIXEL} [%(default)s]")
    parser.add_argument("--train-seed", type=int, default=711, help="of the spectra to adapt to [%(default)s]")
    parser.add_argument("--train-quasars", type=int, default=18000, help="of that seed [%(default)s]")
    parser.add_argument("--seed", type=int, nargs="+", metavar="N", default=[721, 722], help="to judge by [721 722]")
    parser.add_argument("--fastbal", default="fastbal", help="the program")
    options = parser.parse_args()
    print_table(["population", "quasars", "BALs", "share estimated", "share", "ECE: built-in", "adapted", "by chance",
                 "average precision: built-in", "adapted AP"],
                [row(options, name, *what) for name, what in populations(options).items()])


if __name__ == "__main__":
    main()
