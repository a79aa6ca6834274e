"""The cell models by name: a file of equations each, and what sets the kinds of cells apart."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Variant:
    """A kind of cell: ``parameters`` and right-hand sides of ``equations`` that differ from those in the file."""

    file: str
    parameters: dict[str, float] = field(default_factory=dict)
    equations: dict[str, str] = field(default_factory=dict)

    @property
    def ode(self) -> Path:
        """The file of equations."""
        return Path(__file__).parent / f"{self.file}.ode"


VOLTAGE = ("V", "v")  # names of the transmembrane potential, the first of which a model has
TENTUSSCHER_PANFILOV_2006 = "tentusscher_panfilov_2006_epi"
ENDO_S_GATE = {"s_inf": "1/(1 + exp((V + 28)/5))", "tau_s": "1000*exp(-((V + 67)**2)/1000) + 8"}
BUENO_OROVIO_ENDO = {
    "u_u": 1.56, "theta_v_minus": 0.2, "tau_v1_minus": 75, "tau_v2_minus": 10, "tau_w1_minus": 6, "tau_w2_minus": 140,
    "k_w_minus": 200, "u_w_minus": 0.016, "tau_w_plus": 280, "tau_fi": 0.1, "tau_o1": 470, "tau_so1": 40,
    "tau_so2": 1.2, "k_so": 2, "tau_s2": 2, "tau_si": 2.9013, "tau_w_inf": 0.0273, "w_inf_star": 0.78,
}  # fmt: skip
BUENO_OROVIO_MID = {
    "u_u": 1.61, "theta_v_minus": 0.1, "theta_o": 0.005, "tau_v1_minus": 80, "tau_v2_minus": 1.4506,
    "tau_w1_minus": 70, "tau_w2_minus": 8, "k_w_minus": 200, "u_w_minus": 0.016, "tau_w_plus": 280, "tau_fi": 0.078,
    "tau_o1": 410, "tau_o2": 7, "tau_so1": 91, "tau_so2": 0.8, "k_so": 2.1, "u_so": 0.6, "tau_s2": 4,
    "tau_si": 3.3849, "tau_w_inf": 0.01, "w_inf_star": 0.5,
}  # fmt: skip

MODELS = {
    "tentusscher_panfilov_2006_epi": Variant(TENTUSSCHER_PANFILOV_2006),
    "tentusscher_panfilov_2006_mid": Variant(TENTUSSCHER_PANFILOV_2006, {"g_Ks": 0.098}),
    "tentusscher_panfilov_2006_endo": Variant(TENTUSSCHER_PANFILOV_2006, {"g_to": 0.073}, ENDO_S_GATE),
    "bueno_orovio_2008_epi": Variant("bueno_orovio_2008"),
    "bueno_orovio_2008_mid": Variant("bueno_orovio_2008", BUENO_OROVIO_MID),
    "bueno_orovio_2008_endo": Variant("bueno_orovio_2008", BUENO_OROVIO_ENDO),
    "torord_dyncl_epi": Variant("torord_dyncl", {"celltype": 1}),
    "torord_dyncl_mid": Variant("torord_dyncl", {"celltype": 2}),
    "torord_dyncl_endo": Variant("torord_dyncl", {"celltype": 0}),
}
"""Ten Tusscher and Panfilov 2006, table 1 and appendix; Bueno-Orovio et al. 2008, table 1; Tomek et al. 2019."""

SINGLE = {
    "ohara_rudy_cipa_epi": Variant("ohara_rudy_cipa", {"celltype": 1}),
    "ohara_rudy_cipa_mid": Variant("ohara_rudy_cipa", {"celltype": 2}),
    "ohara_rudy_cipa_endo": Variant("ohara_rudy_cipa", {"celltype": 0}),
}
"""Cells that are not for tissue: the sodium current of O'Hara et al. 2011 conducts too badly (at 2 mm a velocity of 0.6
mm/ms would take five times the conductivity that ToR-ORd needs)."""
