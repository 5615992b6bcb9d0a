"""What a plug-in is, and the values that pass between plug-ins.

All that one needs, from one place.
"""

from framework.contracts.catalog import (
    Catalog,
    architecture,
    architectures,
    dataset,
    datasets,
    metric,
    metrics,
    strategies,
    strategy,
)
from framework.contracts.data import DataInfo, Head, Samples, Splits, Task, Ticket
from framework.contracts.file import Exported, FileWeight
from framework.contracts.job import Job, Tuning, Wrap
from framework.contracts.net import (
    Array,
    Bits,
    Codebook,
    Export,
    Keep,
    Mask,
    Remask,
    Stage,
    Step,
    WeightKey,
    Weights,
)
from framework.contracts.plugins import Architecture, Dataset, Format, Metric, Plugin, Strategy
from framework.contracts.project import Project
from framework.study.space import knob

__all__ = [
    "Architecture", "Array", "Bits", "Catalog", "Codebook", "DataInfo", "Dataset", "Export",
    "Exported", "FileWeight", "Format", "Head", "Job", "Keep", "Mask", "Metric", "Plugin",
    "Project", "Remask", "Samples", "Splits", "Stage", "Step", "Strategy", "Task", "Ticket",
    "Tuning", "WeightKey", "Weights", "Wrap", "architecture", "architectures", "dataset",
    "datasets", "knob", "metric", "metrics", "strategies", "strategy",
]  # fmt: skip
