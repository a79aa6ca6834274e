"""Labels of LV blood, LV myocardium and RV blood in every frame of a short-axis cine, by U-Nets."""

from .inference import segment

__all__ = ["segment"]
