"""Pages of a fabricated twin."""

import re
from pathlib import Path

import fabricated
import numpy as np
import xarray as xr
from report_pages import CLINICAL, Elements, rows_of

from twinbeat import page, report, store
from twinbeat.intake.clinical import Value
from twinbeat.report import sources

PROVENANCE = {"inputs": {}, "code": {"version": "0", "commit": None, "modified": None}, "parameters": {}}


def test_page_of_a_finished_twin(text):
    """It balances its tags, asks the network for nothing, and every picture has words beside it."""
    elements = Elements(text)
    images = elements.of("img")
    assert not elements.open
    assert len(images) == 16
    assert all(image["src"].startswith("data:image/") and len(image["alt"]) > 40 for image in images)
    assert not [tag for tag in ("script", "link", "iframe") if elements.of(tag)]
    assert all("//" not in link["href"] for link in elements.of("a"))
    assert "../cohort.html" in [link["href"] for link in elements.of("a")]


def test_nothing_moves_before_it_is_asked_to(text):
    """Each animated picture lies in a closed <details>, which any key or click opens and closes."""
    closed = [part.split("</details>")[0] for part in text.split('<details class="movie">')[1:]]
    assert text.count("data:image/webp") == 2
    assert [part.count("data:image/webp") for part in closed] == [1, 1]


def test_links_inside_the_page_lead_somewhere(text):
    elements = Elements(text)
    inside = {link["href"][1:] for link in elements.of("a") if link["href"].startswith("#")}
    assert inside <= {section["id"] for section in elements.of("section")}


def test_page_says_what_was_found(text, paths):
    """Stiffness 1.2 kPa with 8 % of spread: 90 % lie within exp(± 1.645 * 0.08), so 1.052 to 1.369 kPa."""
    assert "1.052 to 1.369" in text
    assert "+20.0" in text and "2 of 3 planted parameters" in text
    assert all(store.checksum(Path(path)) in text for path in paths.values())


def test_page_says_what_import_did(text):
    """Stack 2 of 2 with its reason (written as text, not as HTML), slice 3 moved by |(3, -4)| = 5 mm, and the moments:
    frames 0 and 5 of 10 are called 1 and 6, with 120 and 0.8² * 120 = 77 mL."""
    assert "stack 2 is the image" in text and "taken: the only one" in text
    assert "9 slices of 64 degrees &lt;from&gt; the short axis" in text
    assert "180 images came through de-identification; refused: 2 secondary-capture." in text
    assert "1 of 9 moved back" in text and "by 5.0 mm" in text and text.count("not judged") == 2
    assert "Slice 4 had another matrix" in text and "had frames at other phases" not in text
    for moment in ('1 of 10</td><td class="n">0', '6 of 10</td><td class="n">400'):
        assert moment in text
    assert '120 <span class="unit">mL' in text and '77 <span class="unit">mL' in text


def test_page_says_how_far_labels_are_trusted(text):
    """Strokes of 0.36 times 120 and 130 mL differ by 10 of 125, 8 %; the muscle is constant."""
    row = next(row for row in rows_of(text) if "LV myocardium" in row and "0.93" in row)
    assert re.findall(r"0\.93", row) == ["0.93"] * 3 and "0.93, 1" in row
    assert "No person has looked at these labels." in text
    assert "departs from its median by up to 0.0 %" in text and "differ by 8 %" in text


def test_page_says_how_far_contours_are_off(text):
    assert "The contours lie 0.31 mm from the endocardium, 0.42 mm from the epicardium that was meshed" in text


def test_page_says_who_reviewed(paths, stores):
    """By pseudonym, in which frames, and how far the automatic labels agreed; not a trace of it without a review."""
    reviewed = np.arange(fabricated.FRAMES) == 5
    agreement = np.full((4, fabricated.FRAMES), 0.875)
    labels = stores["labels"].assign(reviewed=("time", reviewed), agreement=(("label", "time"), agreement))
    store.publish(labels.assign_attrs(reviewers=["r1", "r7"]), paths["labels"])
    page = report.patient_page("p", "s", report.gather({name: paths[name] for name in ("image", "labels")}, CLINICAL))
    assert "by r1, r7, who drew in frame 6;" in page
    assert any("RV blood" in row and row.count("0.875") == 2 for row in rows_of(page))
    assert not Elements(page).open


def test_page_says_what_enhances_late(paths, stores):
    """Half of the voxels of the wall; who drew nothing else has not reviewed the labels."""
    space = ("z", "y", "x")
    muscle = (stores["labels"].labels.isel(time=int(stores["labels"].end_diastole)) == 2).values
    ranked = (muscle.ravel().cumsum() <= muscle.sum() / 2).reshape(muscle.shape) & muscle
    labels = stores["labels"].assign(enhancement=(space, ranked)).assign_attrs(reviewers=["r1"])
    store.publish(labels, paths["labels"])
    page = report.patient_page("p", "s", report.gather({name: paths[name] for name in ("image", "labels")}, CLINICAL))
    assert "No person has looked at these labels. Late enhancement, drawn by r1, takes 50 % of the left wall" in page


def test_page_says_what_the_data_know(text, stores):
    """Four of five eigenvalues are above 1; of the first tension 40 % of the prior's variance is gone."""
    frame = stores["posterior"].parameter.values[1].split()[-1]
    assert "5 times" in text and "4 of 5 axes" in text
    assert f"The prior dominates the tension at {float(stores['posterior'].time[int(frame)]):.0f} ms." in text


def test_page_names_the_domain_of_the_surrogate(text, stores):
    """ln C has 8 % of spread and the domain two of them: factors from exp(-0.16) = 0.852 to 1.174."""
    assert "trained on 16 simulated hearts" in text and "tested on 4" in text
    assert "0.852" in text and "1.174" in text


def test_page_tells_what_the_drugs_do(text, paths):
    """The first drug peaks at once with 4 nmol/L; after 12 h the action potential is longest, by 40 ms, and the charge
    smallest, by 10; one moment of three fails. Without drugs there is no such section."""
    section = text[text.index('<section id="drug">') :]
    section = section[: section.index("</section>")]
    cells = [re.sub("<.*?>", "", cell) for cell in re.findall(r"<td.*?</td>", section)]
    assert cells[:6] == ["first", "4.00", "0.0", "second", "7.00", "24.0"]
    assert cells[7:11] == ["280.0 ms", "320.0 ms", "40.0 ms", "12.0"]
    assert cells[12:16] == ["70.0 nC/µF", "60.0 nC/µF", "\N{MINUS SIGN}10.0 nC/µF", "12.0"]
    assert "At 1 of them the cell does not repolarise." in section
    del paths["drug"]
    assert 'id="drug"' not in report.patient_page("p-01", "study", report.gather(paths, CLINICAL))


def test_page_tells_what_was_measured_from_what_was_assumed(text, paths):
    """The fabricated filling pressure of 10 mmHg is an assumption, and so are then the parameters."""
    row = text[text.index("LV end-diastolic pressure") :][:200]
    assert "10" in row and "assumed" in row
    assert "Pressures of this heart were assumed" in text
    assert "Scar was read in AHA segments 7;" in text
    measured = fabricated.clinical("measured")
    Path(CLINICAL).write_text(measured.model_dump_json())
    kept = {name: path for name, path in paths.items() if name == "assessment"}
    assert "Pressures of this heart were assumed" not in report.patient_page("p", "s", report.gather(kept, CLINICAL))


def test_page_shows_source_and_age_of_the_clinical_data(paths):
    """The cuff of 200 days flags the report; 49 rates of 250 /min, 3 to 5 days old, are one row; potassium is two days
    after the examination."""
    Path(CLINICAL).write_text(fabricated.dated().model_dump_json())
    kept = {name: path for name, path in paths.items() if name == "assessment"}
    text = report.patient_page("p", "s", report.gather(kept, CLINICAL))
    rows = rows_of(text)
    assert "Old clinical data were used: Systolic pressure (more than 183 days from the examination)." in text
    assert any(all(w in row for w in ("Systolic", "|120|", "cuff", "|200.0|", "more than 183")) for row in rows)
    assert any(all(w in row for w in ("Diastolic", "not known", "age unknown")) for row in rows)
    assert any(all(w in row for w in ("Heart rate", "|75|", "|image|")) for row in rows)
    assert any(all(w in row for w in ("LV end-diastolic", "assumed", "population")) for row in rows)
    assert any(all(w in row for w in ("Potassium", "|4.1|", f"|{page.number(-2.0)}|")) for row in rows)
    assert any(all(w in row for w in ("beta blocker", "|90.0|")) for row in rows)
    assert any(all(w in row for w in ("Heart rate", "|49|", "|250|", "monitor", "|3.0 to 5.0|")) for row in rows)
    assert any(all(w in row for w in ("Medication", "|1|", "not in the mapping", "not known")) for row in rows)
    assert "Ages count from the imaging study" in text and not Elements(text).open


def conduction(**data) -> xr.Dataset:
    """A posterior of the endocardial velocity: 1.2 m/s, of which 10 % are 1 s.d.; the others are as configured."""
    velocities = {"velocity_fiber": 0.6, "velocity_transverse": 0.3, "velocity_endocardium": 1.2}
    known = {"covariance": (("parameter", "parameter_"), [[0.01]]), "known": ("parameter", [0.84])}
    rest = {"information": ("mode", [5.25]), "measurements": 1, "forward_solves": 4}
    return xr.Dataset(velocities | known | rest | data, {"parameter": ["ln endocardium"]})


def gathered(shown, figures=None):
    """Some stores as a run has left them."""
    with_origin = {name: one.assign_attrs(provenance=PROVENANCE) for name, one in shown.items()}
    files = {name: f"{name}.zarr" for name in shown}
    return sources.Gathered(with_origin, files, dict.fromkeys(files.values(), "0"), figures)


def test_page_says_what_is_activated(stores):
    """Both ventricles where the electrical mesh has a right wall."""
    left = stores["activation"]
    both = left.assign(fine_wall=("fine_cell", np.ones(left.sizes["fine_cell"], int)))
    for activation, words in ((left, "the left ventricle alone"), (both, "both ventricles")):
        page = report.patient_page("p", "s", gathered({"anatomy": stores["anatomy"], "activation": activation}))
        assert f"Activation is that of {words}." in page
        assert f"Six pairs of pictures of {words}" in page


def test_page_says_what_conduction_velocities_come_from(stores):
    """1.2 exp(-+1.645 0.1) = 1.02 to 1.41 m/s; two points of a map that are 3 and 4 ms off: sqrt(12.5) = 3.5 ms."""
    qrs = Value(name="qrs_duration", value=96, unit="ms", source="other")
    figures = fabricated.clinical().model_copy(update={"values": (qrs,)})
    mapped = {"map_time": ("site", [10.0, 20.0]), "map_fitted": ("site", [13.0, 16.0]), "map_left_out": 5}
    known = {"qrs_measured": 96.0, "qrs_fitted": 93.0}

    def page(**more):
        shown = {name: stores[name] for name in ("anatomy", "activation")} | more
        return report.patient_page("p", "s", gathered(shown, figures))

    fitted = page(conduction=conduction(**mapped, **known))
    rows = rows_of(fitted)
    assert "a QRS duration of 96 ms (the fit's: 93 ms) and 2 points of an activation map" in fitted
    assert "residuals 3.5 ms; 5 more lie off the muscle" in fitted
    assert any(all(w in row for w in ("endocardial", "|1.20|", "|1.02 to 1.41|", "84 %")) for row in rows)
    assert any(all(w in row for w in ("along fibres", "|0.60|", "population")) for row in rows)
    assert "What the conduction velocities were fitted to" in fitted and "the twin does not use it" not in fitted
    assert not Elements(fitted).open
    nothing = page(conduction=conduction(measurements=0))
    assert "population values, as there is neither a QRS duration nor an activation map" in nothing
    assert "population values, not fitted to this patient" in page() and "the twin does not use it" in page()


def test_same_stores_give_the_same_page(text, paths):
    assert report.patient_page("p-01", "study", report.gather(paths, CLINICAL)) == text


def test_numbers_for_people():
    assert page.number(-1.25, 1) == "\N{MINUS SIGN}1.2"
    assert page.number(-0.01, 1) == "0.0"
    assert [page.signed(x, 0) for x in (3.2, -3.2, 0.1)] == ["+3", "\N{MINUS SIGN}3", "0"]
    assert dict(page.flat({"mesh": {"size": "2 mm"}})) == {"mesh.size": "2 mm"}
