"""Forms that several jobs want at once."""

import os
import time

from dolfinx import jit

from twinbeat.mechanics import compilation


def test_forms_are_waited_for_and_abandoned_ones_forgotten(tmp_path):
    """What is old and has no module goes; what is young may be on its way, and what has one is whole."""
    assert jit.get_options()["timeout"] == compilation.PATIENCE
    ages = {"old": 1.1 * compilation.PATIENCE, "young": 0.5 * compilation.PATIENCE, "done": 9 * compilation.PATIENCE}
    for name, age in ages.items():
        source = tmp_path / f"libffcx_forms_{name}.c"
        source.write_text("")
        os.utime(source, (time.time() - age, time.time() - age))
    (tmp_path / "libffcx_forms_done.c.cached").write_text("")
    compilation.unblock(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.c")) == ["libffcx_forms_done.c", "libffcx_forms_young.c"]


def test_a_mark_that_vanishes_meanwhile_is_no_fault(tmp_path, monkeypatch):
    source = tmp_path / "libffcx_forms_x.c"
    source.write_text("")
    monkeypatch.setattr(type(tmp_path), "glob", lambda *_: [source.with_name("libffcx_gone.c")])
    compilation.unblock(tmp_path)
    assert source.exists()
