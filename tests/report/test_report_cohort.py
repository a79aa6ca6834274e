"""The page of a cohort: those that are done, those that were stopped, and each among the others."""

import fabricated
import numpy as np
import pytest
from pytest import approx
from report_pages import NEEDS_REVIEW, QUARANTINED, REJECTED, Elements

from twinbeat import assessment, report, store
from twinbeat.report import cohort


@pytest.fixture(scope="module")
def others():
    """Three patients that are done, with stiffness 1, 2 and 4 times the fabricated one, and three that were stopped."""
    twin = fabricated.twin()
    found = assessment.assess(**{name: dataset for name, dataset in twin.items() if name != "image"})
    done = {f"p-0{i}": found.assign(stiffness=1.2 * 2.0**i) for i in range(3)}
    return {**done, "p-03": REJECTED, "p-04": QUARANTINED, "p-05": NEEDS_REVIEW}


def test_cohort_holds_every_patient(others, tmp_path):
    """Done, or why not; what a patient lacks is marked, not NaN (the store would refuse it)."""
    summary = report.summarise(others, dict.fromkeys(others, "phantom"))
    store.publish(summary, tmp_path / "cohort.zarr")
    again = store.open(tmp_path / "cohort.zarr")
    assert again.status.values.tolist() == [0, 0, 0, 1, 2, 3]
    assert again.value.sel(quantity="stiffness").values == approx([1.2, 2.4, 4.8, 0, 0, 0])
    assert again.known.sel(quantity="stiffness").values.tolist() == [1, 1, 1, 0, 0, 0]
    assert report.failures(again) == [
        f"p-03: rejected at import_image: slice-missing: {REJECTED.message}",
        f"p-04: quarantined at calibrate_twin: no-convergence: {QUARANTINED.message}",
        f"p-05: needs review at review_labels: unstable-myocardium: {NEEDS_REVIEW.message}",
    ]


def test_page_of_the_cohort(others):
    """Three of six are done; each patient links to its report; the middle stiffness is second of three."""
    summary = report.summarise(others, dict.fromkeys(others, "phantom"))
    text = report.cohort_page("study", summary, others)
    elements = Elements(text)
    assert not elements.open
    assert {f"{name}/report.html" for name in others} <= {link["href"] for link in elements.of("a")}
    assert "3 done" in text and "1 rejected" in text and "1 quarantined" in text and "1 needs review" in text
    place = cohort._places(summary, "stiffness")[1]
    assert (place["rank"], place["of"]) == (2, 3)
    assert place["at"] == approx((2.4 - 1.2) / (4.8 - 1.2))


def test_page_of_a_cohort_in_which_nobody_is_done():
    stopped = {"p-03": REJECTED}
    text = report.cohort_page("study", report.summarise(stopped, {"p-03": ""}), stopped)
    assert "0 done" in text and "slice-missing" in text


def test_ticks_are_round():
    """Values from 0.93 to 2.1 span 1.17: a quarter is 0.29, so steps of 0.5, from 0.5 to 2.5."""
    assert cohort._scale(np.array([0.93, 2.1])) == (0.5, 2.5, [0.5, 1.0, 1.5, 2.0, 2.5])
    low, high, _ = cohort._scale(np.array([3.0]))
    assert low <= 3.0 <= high and low < high
