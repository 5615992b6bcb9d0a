"""Arrays of your own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from framework.contracts import Array, DataInfo, dataset, knob
from framework.datasets._prepare import label_arrays, picture_arrays
from framework.datasets._prepare.columns import mean_and_spread
from framework.datasets._prepare.label_arrays import Labels, NoLabels
from framework.datasets._prepare.named_arrays import KNOWN, TEXTS, WHOLE, Part, Parts, sorted_out
from framework.datasets._prepare.picture_arrays import NoPictures, is_whole
from framework.datasets._sources.anomalies import NAMES
from framework.datasets._sources.array_file import Head, arrays, heads
from framework.datasets._sources.cached import SOUND, first_not_finite
from framework.datasets._sources.class_numbers import lonely
from framework.datasets._sources.contents import Contents, span, spread_out
from framework.datasets._sources.splits import LABELS, Arrays
from framework.datasets._sources.user_files import GIVEN, PART, FileDataset

TOKENS = 2**31  # they are cached as int32
PICTURE = "image"
MOST_TOLD = 6  # numbers of a sample


@dataset("arrays", version=3)
@dataclass(frozen=True, kw_only=True)
class OwnArrays(FileDataset):
    """Samples of your own in a numpy file: `labels`, and one array for each input.

    Source: the file named by `path`, as `np.savez("mine.npz", image=images, labels=labels)` writes
    it, or a folder of .npy files.

    Inputs go by the names that nets know: `image`, `audio`, `sequence`, `text`, `question`. `y` and
    `target` are labels too, `images` pictures, and what `x` and `data` are their shape says. With
    `x_train`, `y_train` go `x_test`, `y_test`, which become the sealed split, and `x_val`, `y_val`.
    Pictures are (n, height, width), with 1 or 3 channels behind or in front: whole numbers from 0
    to 255 of any type, or 0 to 1, 0 to 255 or -1 to 1 with fractions, are brought to 0 to 1. Whole
    numbers of shape (n, length) are tokens in `text`, `question` and `tokens`, and 0 fills up. All
    else becomes float32: sequences (n, steps, features), spectrograms (n, frames, bins, 1), rows
    (n, k); each column of rows, each feature of the others is less its mean and over its standard
    deviation of the train split (or as written, see `scale`). NaN and inf are refused. Labels are
    (n,) or (n, 1) numbers, true or false, or texts, or one-hot; those that occur are the classes,
    in their order; or any numbers for `regression`. For `reconstruction` of the one input they are
    0 (normal) and 1 (anomaly), or left out. Arrays of another length or kind under other
    names are left out, and said.
    """

    takes = ("file", "folder")

    mirror: bool = knob(False, doc="whether a mirrored picture keeps its label")
    scale: str = knob(
        "auto",
        choices=("auto", "train", "none"),
        doc="of numbers: less their mean and over their standard deviation of the train split, or "
        "as they are written; auto: for a net that comes trained the one on which it does better, "
        "for others `train`; of pictures none leaves out that they are brought to 0 to 1",
    )

    def left_open(self, *, trained: bool) -> Mapping[str, Sequence[str]]:
        """The scale, where it is `auto`; nets that are trained here get that of the train split."""
        if self.scale != "auto":
            return {}
        info = self.info
        is_decided = set(info.inputs) <= {PICTURE, *info.tokens}
        return {"scale": ("train", "none") if trained and not is_decided else ("train",)}

    def describe(self) -> DataInfo:
        """Shapes, and how many classes and tokens there are; each number is looked at."""
        parts = self.parts()
        if parts.left_out:
            self.say(f"arrays that are left out: {', '.join(parts.left_out)}.")
        samples, labels = self.samples()
        self.say_alike(labels.classes)
        # a text by its name may still be numbers by its shape
        tokens = {}
        for name, array in samples.items():
            if name in TEXTS and array.dtype == np.int32:
                tokens[name] = int(array.max(initial=0)) + 1
        inputs = {name: array.shape[1:] for name, array in samples.items()}
        return DataInfo(
            task=self.asked,
            classes=len(labels.classes),
            inputs=inputs,
            tokens=tokens,
            mirror=self.mirror,
        )

    def contents(self) -> Contents:
        """Arrays with what they are taken for, and a few samples."""
        samples, labels = self.samples()
        sorted_arrays, told = self.parts(), {}
        for name, array in samples.items():
            in_file = [part.inputs[name] for part in sorted_arrays.parts.values()]
            kind = "pictures" if array.ndim == 4 and name != SOUND else "numbers"
            kind = "tokens" if array.dtype == np.int32 else kind
            sides = " x ".join(map(str, array.shape))
            told[f"array {' '.join(in_file)}"] = f"{name}: {kind}, {sides}, {span(array)}"
        rows = {}
        for number in spread_out(len(labels.numbers)):
            label = labels.numbers[number]
            first = next(iter(samples.values()))[number].ravel()[:MOST_TOLD]
            text = " ".join(f"{value:.4g}" for value in first)
            rows[number] = f"{text} ... -> {labels.classes[label] if labels.classes else label}"
        heads_of = self._heads()
        given = {}
        for split, part in sorted_arrays.parts.items():
            if split != WHOLE:
                given[split] = heads_of[next(iter(part.inputs.values()))][0][0]
        left_out = [f"array {name}" for name in sorted_arrays.left_out]
        return Contents(told, labels.numbers, labels.classes, rows, left_out, given)

    def read_all(self) -> Arrays:
        """All arrays, in the types that are cached, and the split that each sample was given."""
        samples, labels = self.samples()
        parts = self.parts()
        if WHOLE in parts.parts:
            return samples | {LABELS: labels.numbers}
        listed = self._heads()
        split = [
            np.full(listed[next(iter(part.inputs.values()))][0][0], GIVEN.index(name), np.int8)
            for name, part in parts.parts.items()
        ]
        return samples | {LABELS: labels.numbers, PART: np.concatenate(split)}

    def finish(self, splits: dict[str, Arrays]) -> dict[str, Arrays]:
        """Numbers get the scale of the train split."""
        finished = {split: dict(arrays) for split, arrays in splits.items()}
        for name, array in splits["train"].items():
            is_picture = array.ndim == 4 and name != SOUND
            if self.scale == "none" or name == LABELS or is_picture or array.dtype != np.float32:
                continue
            # rows of numbers have a scale for each, steps of a series one for all of them
            columns = array.shape[1] if self._are_rows(name) else array.shape[-1]
            # in float64: float32 adds up a large split too coarsely
            _, mean, spread = mean_and_spread(
                array.astype(np.float64).reshape(-1, columns), scaled=True
            )
            for split, given in splits.items():
                flat = (given[name].reshape(-1, columns) - mean) / spread
                finished[split][name] = flat.astype(np.float32).reshape(given[name].shape)
        return dict(finished)

    def parts(self) -> Parts:
        """What is what in the file.

        Raises:
            InvalidValue: no labels or no input is found, or what may be two things.
        """
        listed = self._heads()
        parts = sorted_out(listed)
        # both would be taken without an error, and one of them learns nothing
        if parts.unclear:
            name = parts.unclear[0]
            raise self.wrong(
                f"{name} may be pictures without channels, or steps of numbers.",
                f"Found: {_listing(listed)}.",
                f"Call it image (np.savez(..., image={name})) or sequence "
                f"(np.savez(..., sequence={name})).",
            )
        first = next(iter(parts.parts.values()), Part())
        is_labelled = first.label or self.task == "reconstruction"
        if not is_labelled or not first.inputs:
            raise self.wrong(
                "there are labels and at least one input.",
                f"Found: {_listing(listed) or 'nothing'}.",
                'Write them by np.savez("mine.npz", image=images, labels=labels).',
            )
        self._check_parts(parts, listed)
        return parts

    def samples(self) -> tuple[dict[str, Array], Labels]:
        """Inputs in the types that are cached, and labels; those of all splits, one behind another.

        Raises:
            InvalidValue: they are not what their names say.
        """
        parts = self.parts().parts.values()
        read = arrays(Path(self.path), self._heads())
        samples = {}
        for name in next(iter(parts)).inputs:
            whole = np.concatenate([read[part.inputs[name]] for part in parts])
            samples[name] = self._typed(name, whole)
        if not next(iter(parts)).label:  # of a reconstruction: every sample is normal
            return samples, Labels(np.zeros(len(whole), np.int64), ())
        labels = np.concatenate([read[part.label] for part in parts])
        return samples, self._labels(labels)

    def _heads(self) -> dict[str, Head]:
        return heads(Path(self.path))

    def _check_parts(self, parts: Parts, listed: Mapping[str, Head]) -> None:
        """Refuse splits that do not hold the same, and inputs that are not one for each label."""
        names = next(iter(parts.parts.values())).inputs.keys()
        if WHOLE not in parts.parts and "train" not in parts.parts:
            raise self.wrong(
                "there is a split and none to train on.",
                f"Found: {_listing(listed)}.",
                "Call the arrays image and labels, or x_train and y_train.",
            )
        for split, part in parts.parts.items():
            # a net reads the same of each
            first = next(iter(parts.parts.values()))
            if part.inputs.keys() != names or bool(part.label) != bool(first.label):
                raise self.wrong(
                    f"the split {split} has other arrays than the first.",
                    f"Found: {_listing(listed)}.",
                    "Give each the same inputs, and labels.",
                )
            for name, in_file in part.inputs.items():
                # without labels one input tells how many samples there are
                labels = listed[part.label or next(iter(part.inputs.values()))]
                self._check_samples(name, listed[in_file], labels)

    def _check_samples(self, name: str, inputs: Head, labels: Head) -> None:
        """Refuse an input that has not one sample of numbers for each label."""
        shape, kind = inputs
        if kind.kind not in "biuf":
            raise self.wrong(
                f"{name} holds something else than numbers.",
                f"Found: {kind} {shape}.",
                f"Write numbers, or leave the array out. Of complex ones: {name}=np.abs({name}).",
            )
        # a single number has no samples at all
        counts = (*shape[:1], *labels[0][:1])
        if len(set(counts)) > 1 or len(counts) < 2:
            least = min(counts) if len(counts) == 2 else 0
            way_out = f", as the first: {name}={name}[:{least}], labels=labels[:{least}]."
            raise self.wrong(
                f"{name} and labels have not as many samples.",
                f"Found: {name} {shape}, labels {labels[0]}.",
                f"Write as many of both{way_out if least else '.'}",
            )
        if not counts[0]:
            raise self.wrong(
                f"{name} and labels hold no sample.",
                f"Found: {name} {shape}.",
                "Write samples of two classes or more; of a split that has none leave its arrays "
                "out.",
            )

    def _typed(self, name: str, array: Array) -> Array:
        self._check_finite_samples(name, array)
        # one that a net of the user's own calls otherwise is one by its shape
        is_other = name not in KNOWN and array.ndim == 4 and array.shape[3] in (1, 3)
        if name == PICTURE or is_other:
            try:
                return picture_arrays.pictures(array, scaled=self.scale != "none")
            except NoPictures as error:
                raise self.wrong(str(error), todo=error.todo) from error
        if name in TEXTS and array.ndim == 2:
            self._check_tokens(name, array)
            return array.astype(np.int32)
        return array.astype(np.float32).reshape(*array.shape, *[1] * (3 - array.ndim))

    def _are_rows(self, name: str) -> bool:
        part = next(iter(self.parts().parts.values()))
        return len(self._heads()[part.inputs[name]][0]) < 3

    def _labels(self, array: Array) -> Labels:
        self._check_finite_samples(LABELS, array)
        if self.task == "reconstruction":
            flat = array.reshape(-1) if array.shape[1:] == (1,) else array
            return Labels(flat.astype(np.int64), NAMES[: self.kinds_of_samples(flat)])
        try:
            labels = label_arrays.understood(array, regression=self.task == "regression")
        except NoLabels as error:
            raise self.wrong(str(error), todo=error.todo) from error
        if self.task == "regression":
            return labels
        # of all splits together: a class may not be in one alone
        classes, alone = len(labels.classes), lonely(labels.numbers)
        if classes < 2 or (self.task == "binary" and classes != 2):
            raise self.wrong(
                "two labels or more occur; in a binary task two.",
                f"Different labels: {classes}.",
                'Set task="classes".' if classes > 2 else "Write samples of two classes or more.",
            )
        if alone is not None:
            name = labels.classes[labels.numbers[alone]]
            raise self.wrong(
                f"the label {name} is that of one sample only: labels[{alone}].",
                todo="Leave the sample out: one cannot be both learnt and told.",
            )
        return labels

    def _check_finite_samples(self, name: str, array: Array) -> None:
        """Refuse NaN, inf, and what float32 cannot hold."""
        sample = first_not_finite(array)
        if sample is None:
            return
        way_out = f"put 0 there: {name}=np.nan_to_num({name}, posinf=0, neginf=0)."
        if np.isfinite(array[sample]).all():
            way_out = f"take a larger unit: {name}={name} / np.abs({name}).max()."
        raise self.wrong(
            f"{name} holds NaN, inf, or a number too large for float32.",
            f"The first such sample: {name}[{sample}].",
            f"Leave such samples out, or {way_out}",
        )

    def _check_tokens(self, name: str, array: Array) -> None:
        """Refuse what are no numbers of tokens."""
        if not (is_whole(array) and 0 <= array.min(initial=0) <= array.max(initial=0) < TOKENS - 1):
            raise self.wrong(
                f"{name} holds token numbers: whole ones from 0.",
                f"Found: {array.min()} to {array.max()}, {array.dtype}.",
                "Call the array sequence if these are measurements.",
            )


def _listing(listed: Mapping[str, Head]) -> str:
    return ", ".join(f"{name} {kind} {shape}" for name, (shape, kind) in listed.items())
