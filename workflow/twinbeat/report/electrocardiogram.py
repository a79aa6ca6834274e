"""The twelve leads of the simulated beat, in the order of the clinic."""

import xarray as xr

from .theme import FAINT, FIT, axes, picture, styled

ROWS = 3


@styled
def electrocardiogram(activation: xr.Dataset) -> str | None:
    """Limb leads left, chest leads right, on one scale each; the QRS complex and QT are shaded. None without a beat."""
    if "ecg" not in activation:
        return None
    ecg, onset = activation.ecg, float(activation.qrs_onset)
    figure, panels = axes(ROWS, ecg.sizes["lead"] // ROWS, 11, 4.6, sharex=True)
    for index, name in enumerate(ecg.lead.values):
        axis = panels[index % ROWS, index // ROWS]
        axis.axvspan(onset, onset + float(activation.qt_interval), color=FAINT, alpha=0.35, linewidth=0)
        axis.axvspan(onset, onset + float(activation.qrs_duration), color=FAINT, linewidth=0)
        axis.plot(ecg.time, ecg.sel(lead=name), color=FIT)
        group = ecg[:6] if index < 6 else ecg[6:]
        axis.set(title=name, ylim=(1.1 * float(group.min()), 1.1 * float(group.max())))
    for axis in panels[:, 0]:
        axis.set(ylabel="mV")
    for axis in panels[-1]:
        axis.set(xlabel="time after the first stimulus (ms)")
    return picture(figure)
