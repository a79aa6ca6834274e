"""The configuration: what it accepts, what it says of faults, and that config.yaml is generated from it."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from twinbeat.parameters import ConfigurationError, Mesh, Study, default_yaml, read

ROOT = Path(__file__).parents[1]


def test_config_yaml_is_generated():
    """config.yaml is what the models generate: `envs/run python -m twinbeat.parameters > config.yaml`."""
    assert (ROOT / "config.yaml").read_text() == default_yaml()


def test_default_text_reads_back_as_the_default():
    assert read(yaml.safe_load(default_yaml())) == Study()


def test_canonical_text_is_blind_to_spelling():
    """What a rule hands to Snakemake as params is the same for 4 mm and 0.4 cm, and another one for 5 mm."""
    texts = [Mesh(size=size).model_dump(mode="json") for size in ("4 mm", "0.4 cm", "5 mm")]
    assert texts[0] == texts[1] != texts[2]
    assert Mesh(**texts[0]) == Mesh(size="4 mm")


BY_CELLS = {"beat": {"contraction": "land_2017"}, "surrogate": {"patients": []}}
FELT = {"feedback": {"conduction": True}}


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({"mesh": {"size": "2 ms"}}, 'config.yaml: mesh.size: expected a length such as "2 mm", got "2 ms"'),
        ({"mesh": {"sise": "2 mm"}}, "config.yaml: mesh.sise: unknown key; known here: size, layers"),
        ({"mash": {}}, "config.yaml: mash: unknown key; known here: study, patients"),
        ({"mesh": {"layers": 0}}, "config.yaml: mesh.layers: input should be greater than or equal to 1, got 0"),
        ({"study": "../x"}, "config.yaml: study: string should match pattern"),
        (
            {"beat": {"contraction": "land_2017"}, "electrophysiology": {"cell": "bueno_orovio_2008_epi"}},
            "config.yaml: beat.contraction: land_2017: expected cells with calcium, got bueno_orovio_2008_epi",
        ),
        (
            {"mechanics": {"viscosity": "0.1 kPa s"}, "beat": {"ventricles": "both"}},
            "config.yaml: mechanics.density and viscosity: expected beat.ventricles left, or neither, got both",
        ),
        (
            {"beat": {"contraction": "land_2017", "ventricles": "both"}, "mesh": {"ventricles": "both"}},
            "config.yaml: beat.contraction: land_2017: expected beat.ventricles left, got both",
        ),
        (
            {"beat": {"contraction": "land_2017"}},
            "config.yaml: beat.contraction: land_2017: expected surrogate.patients [], got all",
        ),
        (
            {"beat": {"contraction": "land_2017"}, "mechanics": {"active": "strain"}},
            "config.yaml: beat.contraction: land_2017: expected mechanics.active stress, as cells give a tension, got "
            "strain",
        ),
        (
            {"mechanics": {"law": "holzapfel-ogden"}},
            "config.yaml: calibration.stiffness_prior and stiffness_bounds: expected those of a of "
            "mechanics.holzapfel_ogden, 0.059 kPa, got 2 kPa within 0.1 and 10 kPa",
        ),
        (
            {"beat": {"ventricles": "both"}, "whatif": {"weaker": {"tension": 0.8}}},
            "config.yaml: whatif: runs are of the left ventricle; expected beat.ventricles: left, got both",
        ),
        (
            {"electrophysiology": {"feedback": {"conduction": True}}},
            "config.yaml: electrophysiology.feedback: expected a beat.contraction by cells, got phenomenological",
        ),
        (
            {**BY_CELLS, "electrophysiology": FELT, "whatif": {"weaker": {"tension": 0.8}}},
            "config.yaml: electrophysiology.feedback: expected no whatif runs, got weaker",
        ),
        (
            {**BY_CELLS, "whatif": {"stretched": {"electrophysiology": FELT}}},
            "config.yaml: whatif.stretched.electrophysiology.feedback: expected none, got conduction=True",
        ),
        *(
            ({**BY_CELLS, "electrophysiology": FELT | wrong}, f"config.yaml: electrophysiology: feedback: {said}")
            for wrong, said in (
                ({"method": "eikonal"}, "expected method monodomain, got eikonal"),
                ({"device": "gpu"}, "expected device cpu, got gpu"),
                ({"device": "auto"}, "expected device cpu, got auto"),
                ({"pacing": {"beats": 3}}, "expected one beat, got a train of them: pacing beats=3"),
            )
        ),
        (
            {"electrophysiology": {"feedback": {"conductance": "-1 mS/uF"}}},
            "config.yaml: electrophysiology.feedback.conductance: input should be greater than or equal to 0",
        ),
        (
            {"electrophysiology": {"feedback": {"conductance": "1 mS/mm"}}},
            "config.yaml: electrophysiology.feedback.conductance: expected a conductance per capacitance such",
        ),
        ({"beat": 3}, "config.yaml: beat: input should be a valid dictionary"),
    ],
)
def test_a_fault_is_one_line_that_names_it(config, line):
    with pytest.raises(ConfigurationError) as error:
        read(config)
    assert str(error.value).startswith(line)
    assert len(str(error.value).splitlines()) == 1


def test_every_fault_is_named_at_once():
    with pytest.raises(ConfigurationError) as error:
        read({"mesh": {"size": 3, "layers": 0}})
    assert len(str(error.value).splitlines()) == 2


def test_another_law_with_its_own_stiffness_is_a_study():
    calibration = {"stiffness_prior": "0.06 kPa", "stiffness_bounds": ["0.005 kPa", "0.6 kPa"]}
    study = read({"mechanics": {"law": "holzapfel-ogden"}, "calibration": calibration})
    assert study.mechanics.law == "holzapfel-ogden"


def test_the_beat_of_both_ventricles_has_a_mesh_of_its_own():
    """Its lengths are those of beat.both, without blood; thickness of the right wall and gates are the study's."""
    study = read({"mesh": {"minimum_dihedral": "8 degree", "biventricle": {"wall": "4 mm", "blood": True}}})
    found = study.heart_mesh()
    lengths = ("size", "across", "chord", "wall", "blood")
    assert [getattr(found.biventricle, name) for name in lengths] == [12.0, 0.6, 1.0, 4.0, False]
    assert (found.minimum_dihedral, found.percentile_dihedral) == (8.0, 15.0)
    assert Mesh(**found.model_dump(mode="json")) == found


@given(
    st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.integers(), st.text(max_size=8), st.lists(st.none())))
)
def test_no_configuration_crashes_the_reader(config):
    """Whatever stands in the file is a valid study or a ConfigurationError."""
    try:
        assert isinstance(read(config), Study)
    except ConfigurationError as error:
        assert str(error).startswith("config.yaml: ")


def test_every_key_has_a_reason():
    """Each parameter carries its docstring into config.yaml."""
    schema = Study.model_json_schema()
    for name, model in [("Study", schema), *schema["$defs"].items()]:
        for key, field in model["properties"].items():
            assert field.get("description") or "$ref" in field, f"{name}.{key} has no docstring"
