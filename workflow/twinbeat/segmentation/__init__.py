"""Labels of LV blood, LV myocardium and RV blood in every frame of a short-axis cine, by U-Nets or a reviewer."""

from .inference import segment
from .quality import rated
from .review import decide

__all__ = ["decide", "rated", "segment"]
