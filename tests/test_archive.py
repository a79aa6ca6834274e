"""A zip is unpacked into its folder and nowhere else, or refused with a coded reason that names no file."""

import os
import stat
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dicom_samples import KEY, cine, clean, content, stopped, written
from hypothesis import given
from hypothesis import strategies as st

from twinbeat.intake import sources
from twinbeat.intake.deidentification.deidentify import deidentify
from twinbeat.intake.sources import archive
from twinbeat.parameters import Deidentification, Retrieval
from twinbeat.verdicts import Rejected

__all__ = ["cine"]


def zipped(path: Path, entries: dict[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for entry, text in entries.items():
            made.writestr(entry, text)
    return path


def entry(name: str, mode: int = stat.S_IFREG | 0o600) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


def refused(path: Path, **parameters) -> Rejected:
    """The refusal; nothing is left of what was unpacked before it."""
    before = sorted(path.parent.rglob("*"))
    error = stopped(sources.opened(path, Retrieval(**parameters)).__enter__)
    assert sorted(path.parent.rglob("*")) == before
    assert "Lindström" not in str(error)
    return error


def test_a_zip_gives_what_its_folder_gives(cine, tmp_path):
    """Also with folders in it; and with an empty one there is nothing to de-identify."""
    written(cine, tmp_path / "raw", "slices")
    files = {f"disc/{path.name[-8:-6]}/{path.name}": path.read_bytes() for path in (tmp_path / "raw").iterdir()}
    path = zipped(tmp_path / "Lindström.ZIP", {"disc/": b"", **files})
    with sources.opened(path, Retrieval()) as folder:
        deidentify(folder, tmp_path / "from_zip", KEY, Deidentification())
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
    assert content(clean(tmp_path / "raw")) == content(tmp_path / "from_zip")
    with sources.opened(zipped(tmp_path / "empty.zip", {}), Retrieval()) as folder:
        assert stopped(deidentify, folder, tmp_path / "none", KEY, Deidentification()).code == "no-files"


@pytest.mark.parametrize(
    ("code", "words", "entries"),
    [
        ("unsafe-zip", "entry 2 of 2 of the zip names a path outside", ["a", "../Lindström"]),
        ("unsafe-zip", "entry 1 of 1 of the zip names a path outside", ["/tmp/Lindström"]),
        ("unsafe-zip", "names a path outside", ["a\\..\\Lindström"]),
        ("unsafe-zip", "names a path outside", ["Lindström" + 300 * "m"]),
        ("unsafe-zip", "names a path outside", [300 * "Lindström/" + "a"]),
        ("unsafe-zip", "is a link or a device", [entry("Lindström", stat.S_IFLNK | 0o777)]),
        ("unsafe-zip", "is a link or a device", [entry("Lindström", stat.S_IFIFO)]),
        ("unsafe-zip", "has the path of another", ["Lindström", "Lindström/a"]),
        ("unsafe-zip", "has the path of another", ["Lindström/a", "Lindström"]),
        ("unsafe-zip", "has the path of another", [entry("Lindström"), entry("Lindström")]),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_lead_elsewhere_are_refused(tmp_path, code, words, entries):
    error = refused(zipped(tmp_path / "a.zip", dict.fromkeys(entries, b"x")))
    assert error.code == code and words in error.message


def test_large_zips_are_refused(tmp_path):
    """By the number of files, and by what they say that they take; 1 MB of zeros is 1 kB in the zip."""
    path = zipped(tmp_path / "a.zip", {"a": bytes(1000000), "b": b""})
    assert path.stat().st_size < 2000
    assert refused(path, zip_files=1).message.startswith("the zip has 2 files; expected at most 1 (retrieval.zip_files")
    assert "take 0.001 GB unpacked; expected at most 0.000999" in refused(path, zip_size="999 kB").message
    with sources.opened(path, Retrieval(zip_files=2, zip_size="1 MB")) as folder:
        assert {path.name: path.stat().st_size for path in folder.iterdir()} == {"a": 1000000, "b": 0}


def test_a_zip_that_says_less_than_it_holds_is_damaged(tmp_path):
    """The size in its directory is halved: no more than that is read, and its checksum is not that of the half."""
    path = zipped(tmp_path / "a.zip", {"a": bytes(1000)})
    at = path.read_bytes().rindex((1000).to_bytes(4, "little"))
    patched(path, at, (500).to_bytes(4, "little"))
    assert refused(path).code == "corrupt-zip"


def patched(path: Path, at: int, new: bytes) -> None:
    old = path.read_bytes()
    path.write_bytes(old[:at] + new + old[at + len(new) :])


def test_encrypted_and_damaged_zips_are_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"Lindström": 100 * b"some text "})
    at = path.read_bytes().index(b"PK\x01\x02") + 8
    patched(path, at, (path.read_bytes()[at] | 1).to_bytes())
    assert refused(path).code == "encrypted-zip"
    for damage in (b"no zip", zipped(path, {"a": os.urandom(1000)}).read_bytes()[:-300]):
        path.write_bytes(damage)
        assert refused(path).message == "the zip is damaged (BadZipFile); expected a whole one"


def test_a_zip_that_cannot_be_read_is_no_patients_fault(tmp_path):
    with pytest.raises(OSError, match="cannot unpack a zip: No such file") as caught:
        sources.opened(tmp_path / "Lindström.zip", Retrieval()).__enter__()
    assert "Lindström" not in str(caught.value)


PARTS = (
    st.sampled_from(["a", "b", "..", ".", "", "~", "C:", "a\\..", "é", 256 * "x", "\u202e", "\x00", "\n"]) | st.text()
)


@given(st.lists(st.lists(PARTS, min_size=1, max_size=4).map("/".join), max_size=4))
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_name_leads_outside(names):
    """Whatever the names: either all files lie in the folder, or the zip is refused and none was written."""
    with TemporaryDirectory() as outside:
        folder = Path(outside) / "deep" / "folder"
        folder.mkdir(parents=True)
        source = zipped(
            Path(outside) / "a.zip", {entry(name.encode("utf-8", "replace").decode()): b"x" for name in names}
        )
        try:
            archive.unpack(source, folder, Retrieval())
        except Rejected:
            assert not any(folder.iterdir())
        assert [path.name for path in Path(outside).iterdir() if path != source] == ["deep"]
        assert list((Path(outside) / "deep").iterdir()) == [folder]
        assert not any(path.is_symlink() for path in folder.rglob("*"))
