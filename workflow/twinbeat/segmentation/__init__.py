"""Labels of LV blood, LV myocardium and RV blood in every frame of a short-axis cine, by U-Nets or a reviewer."""

import os

from .inference import segment
from .quality import rated
from .review import decide

__all__ = ["decide", "rated", "segment"]

# Torch reads it once. With Intel's AMX the gradients of oneDNN 3.7's 3-D convolutions write past their memory.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_FP16")
