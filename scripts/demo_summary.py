#!/usr/bin/python3
"""Compare a catalog with BAL columns with the truth of simulated quasars (fastbal simulate).

usage: demo_summary.py CATALOG TRUTH [--seconds S]

Completeness: of the quasars that have absorption, the share in which some was found. Purity: of those in which some was
found, the share that has any. Quasars that were not measured (BALMASK) don't count. Columns: docs/simulate.md.

SPDX-License-Identifier: BSD-3-Clause
"""
import argparse

import numpy as np
from astropy.io import fits


def share(part, whole):
    return f"{100 * part / whole:5.1f} %  ({part} of {whole})" if whole else "none"


def main():
    parser = argparse.ArgumentParser(description="Compare found BALs with simulated ones.")
    parser.add_argument("catalog")
    parser.add_argument("truth")
    parser.add_argument("--seconds", type=float, help="how long the pipeline took")
    options = parser.parse_args()

    catalog, truth = fits.getdata(options.catalog, 1), fits.getdata(options.truth, "QUASARS")
    print(f"quasars     {len(catalog)} in the catalog", end="")
    catalog = catalog[catalog["BALMASK"] == 0]
    print(f", {len(catalog)} measured", end="")
    print(f", in {options.seconds:.1f} s" if options.seconds is not None else "")

    # the truth of each measured quasar
    order = np.argsort(truth["TARGETID"])
    truth = truth[order[np.searchsorted(truth["TARGETID"][order], catalog["TARGETID"])]]
    assert (truth["TARGETID"] == catalog["TARGETID"]).all()

    print(f"BALs        {(catalog['AI_CIV'] > 0).sum()} with AI > 0, {(catalog['BI_CIV'] > 0).sum()} with BI > 0")
    signal = catalog["SNR_CIV"]
    print("\n                          completeness                purity")
    for kind, column in (("AI", "AI_CIV"), ("BI", "BI_CIV")):
        for label, chosen in (("all", signal > -1), ("SNR_CIV > 3", signal > 3), ("SNR_CIV > 5", signal > 5)):
            real, found = truth[column][chosen] > 0, catalog[column][chosen] > 0
            both = int((real & found).sum())
            print(f"{kind} > 0  {label:<12}   {share(both, int(real.sum())):<24}   {share(both, int(found.sum()))}")


if __name__ == "__main__":
    main()
