"""A spiral wave on meshes of several sizes: how many tips it has, how long a turn takes, and what it costs.

envs/run python benchmarks/reentry.py [--sizes 0.5 0.25] [--end 2500] [--figure docs/reentry.png]

The sheet, and what is counted, are those of ``twinbeat.evidence.reentry``; the figure shows the first size. The last
line is one JSON object: for each size in mm the least and the largest number of tips and the period in ms (5th, 50th
and 95th percentile over places and turns), from half of the time on, and CPU seconds.
"""

import argparse
import json
import time
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

from twinbeat.evidence import reentry

SHOWN = (390.0, 450.0, 600.0, 900.0, 1250.0, 2500.0)  # ms


def figures(size: float, end: float) -> dict[str, float]:
    """Of one mesh."""
    begin = time.process_time()
    found = reentry.spiral(size, end)
    seconds = time.process_time() - begin
    tips, periods = found.tips(end / 2), found.periods(end / 2)
    low, median, high = np.percentile(periods, [5, 50, 95])
    told = {"least_tips": tips.min(), "most_tips": tips.max(), "cpu_seconds": seconds}
    told |= {"period_p5": low, "period": median, "period_p95": high}
    return {name: round(float(value), 1) for name, value in told.items()}


def draw(found: reentry.Reentry, path: Path) -> None:
    """The voltage at some times."""
    matplotlib.use("Agg")
    times = [t for t in SHOWN if t <= len(found.voltage) * reentry.SAMPLING]
    figure, axes = plt.subplots(1, len(times), figsize=(2.2 * len(times), 2.6), layout="constrained")
    for axis, t in zip(axes, times, strict=True):
        sides = 2 * (0, reentry.SIDE)
        drawn = axis.imshow(found.at(t), vmin=-90, vmax=30, origin="lower", extent=sides, cmap="magma")
        axis.set(title=f"{t:g} ms", xticks=sides[:2], yticks=sides[:2])
    figure.colorbar(drawn, ax=axes, label="mV", shrink=0.8)
    figure.savefig(path, dpi=80)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=float, nargs="+", default=[reentry.SIZE], help="mm between nodes")
    parser.add_argument("--end", type=float, default=reentry.END, help="ms")
    parser.add_argument("--figure", type=Path, help="to draw the first size to")
    options = parser.parse_args()
    print(json.dumps({f"{size:g}": figures(size, options.end) for size in options.sizes}))
    if options.figure:
        draw(reentry.spiral(options.sizes[0], options.end), options.figure)


if __name__ == "__main__":
    main()
