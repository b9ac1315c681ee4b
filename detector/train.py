#!/usr/bin/python3
"""Train the detector that comes with the library, and print how good it is.

usage: train.py GENERATE_SAMPLES OUTPUT.c [--folder DIR] [--trainings N] [--passes N] [--seeds N] [--quasars N]

Simulated quasars (detector/sample.c) are the samples, each set from seeds of its own: many to train with, of which 35 % have an
outflow; and sets to choose the best of several trainings by, to calibrate with, and to judge by, of which 1 in 6 has one.
The net is that of src/detect.c. Its loss is the cross-entropy of the quasar, and half that of the cells: the share of a cell
that is inside true troughs. Samples are kept in the folder, 10 kB a quasar. Needs PyTorch: python3-torch of Debian.

SPDX-License-Identifier: BSD-3-Clause
"""
import argparse
import pathlib
import subprocess
import sys
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

CHANNELS, CELLS, SCALARS, TRUTHS = 14, 176, 4, 7
TRAIN_SEED, CHOOSE_SEED, CALIBRATE_SEED, JUDGE_SEED = 1001, 2001, 2002, 3001
TRAIN_SHARE, SHARE = 0.35, 1 / 6
BATCH, RATE, DECAY = 256, 4e-3, 1e-3
DARK, BRIGHT, MOCK = 0, 1, 2  # kinds of samples


class Net(nn.Module):
    """The net of src/detect.c."""

    def __init__(self, width=16, hidden=16, dilations=(1, 2, 4, 8, 16, 32)):
        super().__init__()
        self.first = nn.Conv1d(CHANNELS, width, 5, padding=2)
        self.layers = nn.ModuleList([nn.Conv1d(width, width, 3, padding=d, dilation=d) for d in dilations])
        self.cell = nn.Linear(width, 1)
        self.hidden = nn.Linear(2 * width + 2 + SCALARS, hidden)
        self.out = nn.Linear(hidden, 1)

    def forward(self, channel, scalar):
        """Logits of the cells and of the quasar."""
        rows = functional.relu(self.first(channel))
        for layer in self.layers:
            rows = functional.relu(rows + layer(rows))
        cell = self.cell(rows.transpose(1, 2))[..., 0]
        pooled = [rows.amax(2), rows.mean(2), cell.amax(1, keepdim=True), functional.relu(cell).mean(1, keepdim=True), scalar]
        return cell, self.out(functional.relu(self.hidden(torch.cat(pooled, 1))))[:, 0]

    def numbers(self):
        """The weights in the order of struct fb_net."""
        def grouped(weight):
            return weight.reshape(-1, 8, *weight.shape[1:]).transpose(0, 2, 3, 1).ravel()

        w = {name: value.detach().numpy() for name, value in self.state_dict().items()}
        parts = [w["first.bias"], grouped(w["first.weight"])]
        for k in range(len(self.layers)):
            parts += [w[f"layers.{k}.bias"], grouped(w[f"layers.{k}.weight"])]
        parts += [w["cell.bias"], w["cell.weight"].ravel(), w["hidden.bias"], w["hidden.weight"].ravel(), w["out.bias"],
                  w["out.weight"].ravel()]
        return np.concatenate(parts)


class Samples:
    """What generate_samples writes."""

    def __init__(self, paths):
        record = CHANNELS * CELLS + SCALARS + CELLS + TRUTHS
        table = np.concatenate([np.fromfile(path, "<f4").reshape(-1, record) for path in paths])
        channel, scalar, inside, truth = np.split(table, np.cumsum((CHANNELS * CELLS, SCALARS, CELLS)), axis=1)
        self.channel = torch.from_numpy(np.ascontiguousarray(channel).reshape(-1, CHANNELS, CELLS))
        self.scalar = torch.from_numpy(np.ascontiguousarray(scalar))
        self.inside = torch.from_numpy(np.ascontiguousarray(inside))
        self.kind, bal, self.ai, self.bi, self.ai_all, self.z, self.snr = truth.T
        self.bal = bal > 0

    def __len__(self):
        return len(self.bal)


def generate(options, seeds, share):
    """Samples of these seeds, simulated unless they are in the folder."""
    paths = []
    for seed in seeds:
        path = options.folder / f"{seed}-{options.quasars}.samples"
        if not path.exists():
            half = path.with_suffix(".half")
            subprocess.run([options.generate, half, str(seed), str(options.quasars), str(share)], check=True)
            half.rename(path)
        paths.append(path)
    return Samples(paths)


def apply(net, samples):
    """The logits of the quasars."""
    with torch.no_grad():
        parts = [net(samples.channel[k:k + 1024], samples.scalar[k:k + 1024])[1] for k in range(0, len(samples), 1024)]
    return torch.cat(parts).numpy().astype(float)


def train(samples, passes, seed):
    """One training; prints the loss of each pass."""
    torch.manual_seed(seed)
    net, bal = Net(), torch.from_numpy(samples.bal.astype("f4"))
    steps = len(samples) // BATCH
    optimizer = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=passes * steps + 1)
    for number in range(passes):
        start, total = time.monotonic(), 0
        for chosen in torch.randperm(len(samples))[:steps * BATCH].split(BATCH):
            cell, quasar = net(samples.channel[chosen], samples.scalar[chosen])
            loss = functional.binary_cross_entropy_with_logits(quasar, bal[chosen]) + \
                0.5 * functional.binary_cross_entropy_with_logits(cell, samples.inside[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"training {seed}, pass {number + 1}: loss {total / steps:.4f}, {time.monotonic() - start:.0f} s", flush=True)
    return net


# ---- figures ----


def ranking(bal, logit):
    """In order of falling logits: the logits, whether they are BALs, and the purity of all down to each."""
    order = np.argsort(-logit, kind="stable")
    return logit[order], bal[order], np.cumsum(bal[order]) / np.arange(1, len(bal) + 1)


def average_precision(bal, logit):
    _, hit, purity = ranking(bal, logit)
    return (purity * hit).sum() / hit.sum()


def threshold(bal, logit, wanted):
    """The lowest logit down to which the purity is at least the wanted one."""
    logits, _, purity = ranking(bal, logit)
    enough = np.flatnonzero(purity >= wanted)
    return logits[enough[-1]] if len(enough) else np.inf


def calibrate(bal, logit):
    """Slope and intercept of the logistic regression of BALs on the logit, by Newton's method."""
    design, beta = np.stack([logit, np.ones(len(logit))], 1), np.array([1.0, 0.0])
    for _ in range(30):
        p = 1 / (1 + np.exp(-design @ beta))
        beta += np.linalg.solve(design.T @ (design * (p * (1 - p))[:, None]), design.T @ (bal - p))
    return beta


def calibration_error(bal, p):
    """Expected calibration error: the mean of |share of BALs - mean probability| of ten bins, by their numbers."""
    bins = np.minimum((10 * p).astype(int), 9)
    return sum(abs(bal[bins == k].mean() - p[bins == k].mean()) * (bins == k).mean() for k in range(10) if (bins == k).any())


def judge(samples, logit, p, chosen, label):
    """Print a line for some of the samples."""
    bal, logit, p, strong = samples.bal[chosen], logit[chosen], p[chosen], (samples.ai > 500)[chosen] & (samples.snr > 2)[chosen]
    found, cells = p >= 0.5, [f"{average_precision(bal, logit):.3f}"]
    for wanted in (0.95, 0.99):
        hit = logit >= threshold(bal, logit, wanted)
        cells += [f"{hit[bal].mean():.3f}", f"{hit[strong].mean():.3f}" if strong.any() else "none"]
    cells += [f"{found[bal].mean():.3f}", f"{bal[found].mean():.3f}" if found.any() else "none",
              f"{calibration_error(bal, p):.4f}"]
    print("|", " | ".join([label, str(len(bal)), str(bal.sum()), *cells]), "|", flush=True)


def print_judgement(net, samples, slope, intercept):
    logit = apply(net, samples)
    p = 1 / (1 + np.exp(-(slope * logit + intercept)))
    print("| judged | quasars | BALs | average precision | found at purity 0.95 | of AI > 500, SNR > 2 | at purity 0.99 "
          "| of AI > 500, SNR > 2 | found at P >= 0.5 | purity there | calibration error |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    dark = samples.kind == DARK
    judge(samples, logit, p, dark, "DESI-like")
    for low, high in ((-np.inf, 1), (1, 2), (2, 4), (4, 8), (8, np.inf)):
        judge(samples, logit, p, dark & (samples.snr >= low) & (samples.snr < high), f"SNR {low:g} to {high:g}")
    for low, high in ((1.57, 1.8), (1.8, 2.1), (2.1, 2.6), (2.6, 5)):
        judge(samples, logit, p, dark & (samples.z >= low) & (samples.z < high), f"z {low} to {high}")
    judge(samples, logit, p, samples.kind == BRIGHT, "bright")
    judge(samples, logit, p, samples.kind == MOCK, "mocks")


# ---- output ----


def limits(samples):
    """The range of the scalars in training that is called covered: all but 1 in 1000 on either side."""
    signal, chi2, masked, _ = samples.scalar.numpy().T
    return [*np.quantile(signal, (0.001, 0.999)), np.quantile(chi2, 0.999), np.quantile(masked, 0.999)]


def write(path, net, calibration):
    numbers = net.numbers()
    rows = ["    " + " ".join(f"{x:.9g}," for x in numbers[k:k + 8]) for k in range(0, len(numbers), 8)]
    path.write_text(f"""/*
 * builtin.c - the detector that comes with the library. Written by detector/train.py; change that, not this.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "fastbal.h"

/* clang-format off */
static const double weights[] = {{
{chr(10).join(rows)}
}};
static const struct fastbal_calibration calibration = {{ {", ".join(f"{x:.9g}" for x in calibration)} }};
/* clang-format on */

int fastbal_detector_builtin(fastbal_detector **detector)
{{
    return fastbal_detector_create(detector, "builtin", sizeof weights / sizeof *weights, weights, &calibration, NULL);
}}
""")


def main():
    parser = argparse.ArgumentParser(description="Train the detector that comes with the library.")
    parser.add_argument("generate", help="the program generate_samples")
    parser.add_argument("output", type=pathlib.Path, help="detector/builtin.c")
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("samples"), help="of the samples [%(default)s]")
    parser.add_argument("--trainings", type=int, default=5, help="the best of which is kept [%(default)s]")
    parser.add_argument("--passes", type=int, default=16, help="through the samples [%(default)s]")
    parser.add_argument("--seeds", type=int, default=8, help="to train with [%(default)s]")
    parser.add_argument("--quasars", type=int, default=24000, help="of each seed [%(default)s]")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)

    samples = generate(options, range(TRAIN_SEED, TRAIN_SEED + options.seeds), TRAIN_SHARE)
    choose = generate(options, [CHOOSE_SEED], SHARE)
    print(f"{len(samples)} quasars to train with, {samples.bal.sum()} of them BALs")
    nets = [train(samples, options.passes, seed) for seed in range(options.trainings)]
    precision = [average_precision(choose.bal, apply(net, choose)) for net in nets]
    print("average precision of the trainings:", " ".join(f"{x:.4f}" for x in precision))
    net = nets[int(np.argmax(precision))]

    calibrating, judged = (generate(options, [seed], SHARE) for seed in (CALIBRATE_SEED, JUDGE_SEED))
    slope, intercept = calibrate(calibrating.bal, apply(net, calibrating))
    print(f"calibration: {slope:.4f} {intercept:.4f}")
    write(options.output, net, [slope, intercept, *limits(samples)])
    print_judgement(net, judged, slope, intercept)


if __name__ == "__main__":
    sys.exit(main())
