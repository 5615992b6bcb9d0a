"""How to use a file that is handed out: what it is given, what it predicts, code that loads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from framework.contracts import DataInfo
from framework.display.card_facts import Facts
from framework.study.spec import Use

RUNTIME = "ai_edge_litert"
HOLDS = {  # what the inputs hold that go by a name of their own
    "image": "a picture: height x width x channels, values 0 to 1 (bytes / 255), grey where there "
    "is 1 channel; others are resized bilinearly. Nothing else is subtracted or scaled.",
    "audio": "a log-mel spectrogram: frames x bins x 1, in time and in frequency from low to high, "
    "of the same window, filters and scale as the data set's.",
    "sequence": "numbers: steps x features, the first step first, in the scale of the data set.",
}


def usage_text(facts: Facts, info: DataInfo) -> str:
    """The section `Use`: inputs, outputs, what they mean, and code to copy."""
    lines = [*_port_lines("Input", facts.inputs), *_port_lines("Output", facts.outputs)]
    for port in facts.inputs:
        meaning = input_text(port, facts.spec.dataset, info)
        lines.append(f"- `{port.name}` holds {meaning}")
    lines.append(f"- {_answer_text(info)}")
    return "\n".join([*lines, "", f"```python\n{snippet(facts, info)}\n```"])


def _port_lines(kind: str, ports: Iterable[Any]) -> Iterator[str]:
    for port in ports:
        shape = " x ".join(map(str, port.shape))
        stored = f"; stored integer = value / {port.scale:g} + {port.zero}" if port.scale else ""
        yield f"- {kind} `{port.name}`: {shape}, {port.dtype}{stored}"


def input_text(port: Any, data: Use, info: DataInfo) -> str:
    """What one input holds; a picture of a name of its own is known by its shape."""
    if port.name in info.tokens:
        vocabulary = (
            f'catalog_of(root).datasets.build("{data.name}", '
            f'{dict(data.knobs)}).vocabulary(root, "{port.name}")'
        )
        return (
            f"a text: {port.shape[1]} token numbers, 0 to {info.tokens[port.name] - 1}; 0 fills "
            f"up short texts. What each stands for: `{vocabulary}`, with `catalog_of` of "
            "`framework.planning.own_plugins` and `root` the project's folder."
        )
    is_picture = len(port.shape) == 4 and port.shape[-1] in (1, 3)
    return HOLDS.get(port.name) or (
        HOLDS["image"] if is_picture else "numbers, in the scale of the data set."
    )


def _answer_text(info: DataInfo) -> str:
    if info.task == "classes":
        last = info.classes - 1
        return (
            "Answer: one probability per class, in the order of the data set's class numbers, 0 "
            f"to {last}."
        )
    if info.task == "binary":
        return (
            "Answer: the probability of class 1; above 0.5 the net decides for class 1, otherwise "
            "for class 0."
        )
    if info.task == "reconstruction":
        return (
            "Answer: the input rebuilt, its numbers in one row, in the input's unit. The mean "
            "squared error of a sample is its anomaly score: the larger, the less like the samples "
            "of training."
        )
    return "Answer: the number itself, in the unit of the data set's labels."


def snippet(facts: Facts, info: DataInfo) -> str:
    """Code that loads the file and predicts one sample."""
    # inputs go by their names, because the file has them in an order of its own; TFLite writes
    # the name as `serving_default_NAME:0`
    zeros = [f'"{port.name}": np.zeros({port.shape}, np.{port.dtype})' for port in facts.inputs]
    last_line = {
        "classes": "print(int(answer[0].argmax()))  # number of the class",
        "binary": "print(int(answer[0, 0] > 0.5))  # number of the class",
        "regression": "print(float(answer[0, 0]))  # in the unit of the labels",
        "reconstruction": f'print(((answer - sample["{facts.inputs[0].name}"].reshape(1, -1)) ** 2)'
        ".mean())  # anomaly score",
    }[info.task]
    return f"""import numpy as np
from {RUNTIME}.interpreter import Interpreter

net = Interpreter(model_path="{facts.file}")
net.allocate_tensors()
sample = {{{", ".join(zeros)}}}  # put yours here
for place in net.get_input_details():
    name = place["name"].removeprefix("serving_default_").partition(":")[0]
    net.set_tensor(place["index"], sample[name])
net.reset_all_variables()  # before each sample: a recurrent net would go on from the last one
net.invoke()
answer = net.get_tensor(net.get_output_details()[0]["index"])
{last_line}"""
