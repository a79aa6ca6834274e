"""Training: from simulated members to the store of a surrogate, starting from an earlier one where that still holds."""

import hashlib
import logging
from collections.abc import Sequence

import numpy as np
import xarray as xr

from ..parameters.surrogate import HELD_OUT
from ..parameters.surrogate import Surrogate as Section
from ..verdicts import Quarantined
from .emulator import Surrogate, basis, scaled
from .fields import FIELDS, MAGNITUDE, quantities, snapshot, snapshots
from .processes import QUANTILE, Process
from .reduction import Basis

log = logging.getLogger("twinbeat")
_ROUNDING = 1e-9
_LEAST_HELD_OUT = 2


def refresh(
    ensemble: xr.Dataset, members: Sequence[xr.Dataset], section: Section, earlier: xr.Dataset | None = None
) -> xr.Dataset:
    """The surrogate of the members that could be simulated.

    Where ``earlier`` was trained on some of the same members, its bases are extended by the others and its
    hyperparameters are where the search starts; else all is made anew. Raises Quarantined where too few members are
    left.
    """
    simulated = {int(member.number): member for member in members}
    _enough(ensemble, simulated, section)
    if earlier is not None and not _continues(earlier, ensemble, simulated):
        log.info("surrogate: made anew, for the earlier one is of other members")
        earlier = None
    order = _order(simulated, earlier)
    store = _described(ensemble, simulated, order)
    for field in FIELDS:
        store = store.assign(_trained(store, field, [simulated[number] for number in order], section, earlier))
    held_out = [member for number, member in simulated.items() if number >= HELD_OUT]
    measured = _measured(Surrogate.from_store(store), held_out)
    return store.assign(measured).assign_coords(quantity=[name for names in FIELDS.values() for name in names])


def _enough(ensemble: xr.Dataset, simulated: dict[int, xr.Dataset], section: Section) -> None:
    planned = ensemble.member.values.tolist()
    training, held_out = _training(planned), [number for number in planned if number >= HELD_OUT]
    least = int(np.ceil(section.usable * len(training)))
    for what, chosen, needed in (("training", training, least), ("held-out", held_out, _LEAST_HELD_OUT)):
        found = sum(number in simulated for number in chosen)
        if found < needed:
            message = f"{found} of {len(chosen)} {what} members could be simulated; at least {needed} are needed"
            raise Quarantined("ensemble-failed", message)


def _training(numbers: Sequence[int]) -> list[int]:
    return [number for number in numbers if number < HELD_OUT]


def _order(simulated: dict[int, xr.Dataset], earlier: xr.Dataset | None) -> list[int]:
    """Members that train: those of the earlier surrogate in its order, then the new ones."""
    before = [] if earlier is None else earlier.member.values.tolist()
    return before + sorted(set(_training(list(simulated))) - set(before))


def _continues(earlier: xr.Dataset, ensemble: xr.Dataset, simulated: dict[int, xr.Dataset]) -> bool:
    same_domain = np.array_equal(earlier.lower, ensemble.lower) and np.array_equal(earlier.upper, ensemble.upper)
    before = zip(earlier.member.values.tolist(), earlier.digest.values.tolist(), strict=True)
    return same_domain and all(n in simulated and _digest(simulated[n]) == digest for n, digest in before)


def _digest(member: xr.Dataset) -> str:
    content = [member.factor.values, *(snapshot(member, field) for field in FIELDS)]
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in content)).hexdigest()


def _described(ensemble: xr.Dataset, simulated: dict[int, xr.Dataset], order: list[int]) -> xr.Dataset:
    """What the surrogate was trained on."""
    chosen = [simulated[number] for number in order]
    return xr.Dataset(
        {
            "factor": (("member", "parameter"), np.stack([member.factor.values for member in chosen])),
            "digest": ("member", [_digest(member) for member in chosen]),
            "lower": ("parameter", ensemble.lower.values),
            "upper": ("parameter", ensemble.upper.values),
            "failed": ((), ensemble.sizes["member"] - len(simulated)),
        },
        coords={
            "member": order,
            "parameter": ensemble.parameter.values,
            **{name: chosen[0][name].values for name in ("time", "frame")},
        },
    )


def _trained(
    store: xr.Dataset, field: str, members: list[xr.Dataset], section: Section, earlier: xr.Dataset | None
) -> dict[str, tuple]:
    """The basis, the hyperparameters and the mean quantities of a field."""
    reduced = _reduced(members, field, earlier)
    if reduced.values.size == 0:
        raise Quarantined("ensemble-constant", f"{field}: the {len(members)} members do not differ")
    inputs = scaled(store.factor.values, store.lower.values, store.upper.values)
    starts = [] if earlier is None else list(earlier[f"{field}_theta"].values)
    processes = []
    for index, output in enumerate(reduced.coefficients(reduced.kept(section.energy))):
        log.info("surrogate: %s, mode %d of %d", field, index + 1, reduced.kept(section.energy))
        processes.append(Process.fit(inputs, output, starts[index] if index < len(starts) else None))
    means = quantities(reduced.mean, field, members[0])
    return {name: (members[0][name].dims, value) for name, value in means.items()} | {
        f"{field}_modes": ((f"{field}_entry", f"{field}_rank"), reduced.modes),
        f"{field}_values": ((f"{field}_rank",), reduced.values),
        f"{field}_right": ((f"{field}_rank", "member"), reduced.right),
        f"{field}_theta": ((f"{field}_mode", "hyperparameter"), np.stack([process.theta for process in processes])),
        f"{field}_stretch": ((f"{field}_mode",), np.array([process.stretch for process in processes])),
    }


def _reduced(members: list[xr.Dataset], field: str, earlier: xr.Dataset | None) -> Basis:
    if earlier is None:
        return Basis.of(snapshots(members, field))
    added = members[earlier.sizes["member"] :]
    return basis(earlier, field).extended(snapshots(added, field)) if added else basis(earlier, field)


def _measured(surrogate: Surrogate, held_out: list[xr.Dataset]) -> dict[str, tuple]:
    """Error, variation and coverage of each quantity over members that the surrogate has not seen.

    ``error`` is the root mean square over entries and members, ``variation`` that of the distance from the mean of the
    training, both over that of the quantity itself; ``coverage`` is the share of entries in their 90 % intervals.
    """
    predictions = [surrogate.predict(_factors(member)) for member in held_out]
    names = [name for group in FIELDS.values() for name in group]
    rows = [
        np.mean(
            [
                _compared(name, member, found, surrogate.store)
                for member, found in zip(held_out, predictions, strict=True)
            ],
            axis=0,
        )
        for name in names
    ]
    error, variation, size, coverage = np.array(rows).T
    return {
        "error": ("quantity", np.sqrt(error / size)),
        "variation": ("quantity", np.sqrt(variation / size)),
        "coverage": ("quantity", coverage),
        "held_out": ((), len(held_out)),
    }


def _factors(member: xr.Dataset) -> dict[str, float]:
    return dict(zip(member.parameter.values.tolist(), member.factor.values.tolist(), strict=True))


def _compared(name: str, member: xr.Dataset, found: xr.Dataset, center: xr.Dataset) -> tuple[float, ...]:
    """Mean squares of the error, of the distance from the training's mean and of the quantity; share covered."""
    truth = member[name].values
    error = np.abs(found[name].values - truth)
    covered = error <= QUANTILE * found[f"{name}_sigma"].values + _ROUNDING * MAGNITUDE[name]
    return np.mean(error**2), np.mean((truth - center[name].values) ** 2), np.mean(truth**2), np.mean(covered)
