"""Studies, their search domains and the specs of their trials, as frozen values."""

from framework.study.constraints import AtLeast, AtMost
from framework.study.space import Choice, Float, Int
from framework.study.spec import Spec, Train, Use, canonical, digest_of, spec_from_json, use
from framework.study.study import Study

__all__ = [
    "AtLeast",
    "AtMost",
    "Choice",
    "Float",
    "Int",
    "Spec",
    "Study",
    "Train",
    "Use",
    "canonical",
    "digest_of",
    "spec_from_json",
    "use",
]
