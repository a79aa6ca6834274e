"""What a step of training the network of stacks takes on one thread: with layers in space, and slice by slice
(``segmentation/slicewise.py``).

envs/run python benchmarks/training.py [--steps 8]

Each way is a process of its own, as torch is told once which instructions it may use: layers in space are kept from
AMX, with which oneDNN 3.7 writes past their gradients' memory. The quickest of the steps counts, of two stacks of 10
slices of 96 x 96 pixels. The last line is one JSON object: seconds of each way, and the first's share of the last.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from unittest.mock import patch

import torch
from torch.utils.data import DataLoader

from twinbeat.segmentation import train

IN_SPACE = patch.object(train, "by_slices", nullcontext)
SINGLE = patch.object(torch, "autocast", lambda *_, **__: nullcontext())
WAYS = {
    "in space": ([IN_SPACE], "AVX512_CORE_FP16"),
    "in space, single precision": ([IN_SPACE, SINGLE], "AVX512_CORE_FP16"),
    "slice by slice, no AMX": ([], "AVX512_CORE_FP16"),
    "slice by slice, single precision": ([SINGLE], "AVX512_CORE_FP16"),
    "slice by slice": ([], "ALL"),
}
"""What differs from training, and the most that ONEDNN_MAX_CPU_ISA allows; bfloat16 where not said otherwise."""
SHAPE = (10, 96)


def seconds(changes: Iterable[AbstractContextManager[object]], steps: int) -> float:
    """Of the quickest step, the optimiser's part included."""
    torch.set_num_threads(1)
    with patch.object(train, "SHAPES", (SHAPE,)):
        images, labels = next(iter(DataLoader(train.Samples(1, 0, 2, 2), 2)))
    state, taken = train.fresh(1, 3), []
    with ExitStack() as stack:
        for change in changes:
            stack.enter_context(change)
        for _ in range(steps):
            begin = time.perf_counter()
            state, _ = train.advance(state, images, labels, train.CPU[3])
            taken.append(time.perf_counter() - begin)
    return min(taken)


def apart(way: str, steps: int) -> float:
    """The same in a process that may use no more instructions than its way allows."""
    command = [sys.executable, __file__, "--way", way, "--steps", str(steps)]
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": WAYS[way][1]}
    return float(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--way", choices=WAYS, help="only this one, in this process")
    options = parser.parse_args()
    if options.way:
        print(seconds(WAYS[options.way][0], options.steps))
        return
    found = {}
    for way in WAYS:
        found[way] = round(apart(way, options.steps), 3)
        print(f"{way:32} {found[way]:.3f} s", flush=True)
    print(json.dumps(found | {"ratio": round(found["in space"] / found["slice by slice"], 2)}))


if __name__ == "__main__":
    main()
