"""What the configuration of a saved layer may contain.

Its class, the classes it names, the options it is built with.

Nothing of the file's configuration is handed on as it is: a layer is written anew from the options
known here, whose values are numbers and known words. What only training knows (initializers,
regularizers, constraints, seeds, whether a layer is frozen) is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from framework.nn.allowed import MODULES, PARTS
from framework.nn.layers import LAYERS
from framework.nn.saved.file import SAVE_AGAIN, Unusable

LEFT_OUT = PARTS | {  # classes that a layer may name and that only training knows
    "DTypePolicy", "Identity", "IdentityInitializer", "L1", "L1L2", "L2", "MaxNorm", "MinMaxNorm",
    "NonNeg", "OrthogonalInitializer", "OrthogonalRegularizer", "Policy", "RadialConstraint",
    "TensorShape", "UnitNorm", "__tuple__",
}  # fmt: skip
THEIR_MODULES = MODULES | {
    "keras", "keras.constraints", "keras.dtype_policies", "keras.mixed_precision",
    "keras.regularizers",
}  # fmt: skip
SAME_ACTIVATION = {
    "silu": "swish",
    "softmax_v2": "softmax",
    None: "linear",
}  # as Keras 2 calls them
ACTIVATIONS = frozenset(
    "elu exponential gelu linear relu selu sigmoid softmax softplus softsign swish tanh".split()
)
KERAS_2_ACTIVATIONS = ACTIVATIONS | {"hard_sigmoid"}  # in Keras 3 another function has this name
NEUTRAL = re.compile(  # options that change no output, whatever their value
    r"\w+_(initializer|regularizer|constraint)|activity_regularizer|autocast|batch_input_shape|batch_shape|build_config|"
    r"dtype|flash_attention|fused|implementation|input_length|key_shape|name|noise_shape|query_shape|renorm_clipping|renorm_momentum|"
    r"rng_type|seed|synchronized|trainable|unit_forget_bias|unroll|use_cudnn|value_shape"
)
# where a layer has no such choice here
SAME_AS_NONE = {("groups", 1), ("data_format", "channels_last")}
DTYPES = re.compile(r"(mixed_)?b?float(16|32|64)|u?int(8|16|32|64)")
WORDS = {
    "interpolation": {"nearest", "bilinear"},
    "score_mode": {"dot"},
    "padding": {"valid", "same", "causal"},
    "data_format": {"channels_last"},
}
MOST_NUMBER = 2**31
MOST_VALUES = {"offset": 4096, "scale": 4096}  # one for each channel; other lists are short
OWN_NET = "Build the net without it, set its weights with new.set_weights(...), and save that."
STEPS = "Set return_sequences=False, or use one direction, train it again and save that."
ADVICE = {
    "Bidirectional": STEPS,
    "Lambda": "Its code would have to be run. Do it to the data beforehand, build the net without "
    "it, set its weights with new.set_weights(old.get_weights()), and save that.",
}
KERAS = re.compile(r"(tf_)?keras(\.[a-z0-9_.]+)?")  # where keras has its own classes
# layers that have others as settings
WRAPPERS = frozenset({"Bidirectional", "SpectralNormalization", "TimeDistributed"})


def check_model(described: Mapping[str, Any], name: str) -> None:
    """Refuse a model among the layers that is of a class of somebody's own.

    Raises:
        Unusable: it is.
    """
    kind, module = described["class_name"], described.get("module", "keras")
    registered = described.get("registered_name")
    if not KERAS.fullmatch(str(module)) or registered not in (None, kind):
        foreign = module if registered in (None, kind) else registered
        raise Unusable(
            f"The model {name!r} names {foreign!r}, which is not keras.",
            "Nothing of it was loaded or run.",
        )


def check_names(layer: Mapping[str, Any], name: str, known: Collection[str] = LAYERS) -> None:
    """Refuse a layer whose class, or any class or module that it names, is not on the lists.

    Args:
        known: classes of layers.

    Raises:
        Unusable: it is not.
    """
    kind, module = layer["class_name"], layer.get("module", "keras.layers")
    # it may be a number as well as a text: nothing of the file has been looked at before
    if not isinstance(kind, str) or kind not in known:
        raise unknown(name, kind)
    if module not in MODULES or layer.get("registered_name") not in (None, kind):
        foreign = module if module not in MODULES else layer["registered_name"]
        raise Unusable(
            f"Layer {name!r} names {foreign!r}, which is not keras.",
            "Nothing of it was loaded or run.",
        )
    config = dict(layer["config"])
    if kind in WRAPPERS:
        for key in ("layer", "backward_layer"):
            inner = config.pop(key, None)
            if inner is not None:
                check_names(inner, name, known)
    activation = config.get("activation")
    if isinstance(activation, dict) and activation.get("class_name") in known:
        check_names(config.pop("activation"), name, known)
    elif isinstance(activation, dict) and activation.get("class_name") == "function":
        config["activation"] = activation_name(activation)
    _check_parts(config, name)


def unknown(name: str, kind: Any) -> Unusable:
    """That a layer is of a class that a net here cannot have."""
    todo = ADVICE.get(kind, OWN_NET) if isinstance(kind, str) else SAVE_AGAIN
    return Unusable(
        f"Layer {name!r} is a {kind}, which is not on the list of plain layers.",
        _with_list(todo),
    )


def check_rest(config: Mapping[str, Any], names: Collection[str], *, name: str) -> None:
    """Refuse options other than these, unless they change nothing.

    Raises:
        Unusable: one is there.
    """
    _check_dtype(config.get("dtype"), name)
    for key, value in config.items():
        if key not in names and not _changes_nothing(key, value):
            raise Unusable(
                f"Layer {name!r} has the option {key}={str(value)[:60]}, which is not known here."
            )


def activation_name(given: Any) -> str:
    """The word of an activation, also where keras writes it as a function; empty if it has none."""
    if isinstance(given, dict) and given.get("class_name") == "function":
        given = given.get("config") if _is_of_keras(given) else ""
    if given is None or isinstance(given, str):
        return str(SAME_ACTIVATION.get(given, given))
    return ""


def _is_of_keras(function: Mapping[str, Any]) -> bool:
    module = function.get("module")
    # a word is only looked up in a list of ours, whatever module is named with it
    return module in (None, "builtins") or bool(KERAS.fullmatch(str(module)))


def options(kind: str, config: Mapping[str, Any], *, name: str, keras_3: bool) -> dict[str, Any]:
    """The options a layer is built with, under the names that Keras 2 has for them.

    Args:
        kind: its class, on the list.
        config: as the file has it.

    Raises:
        Unusable: one has a value that cannot be, or is not known here and not off.
    """
    names, built = LAYERS[kind].options.split(), {}
    if kind == "LeakyReLU" and "negative_slope" in config:  # as Keras 3 calls it
        config = {**config, "alpha": config["negative_slope"]}
        config.pop("negative_slope")
    check_rest(config, names, name=name)
    for key in config.keys() & set(names):
        built[key] = _value(key, config[key], name=name, keras_3=keras_3)
    # without a value keras takes its own default
    return {key: value for key, value in built.items() if value is not None}


def _changes_nothing(key: str, value: Any) -> bool:
    """Whether an option may be left out: only training reads it, or it is off or at its default."""
    if NEUTRAL.fullmatch(key) or value in (None, False, 0, "", [], {}):
        return True
    return isinstance(value, (int, str)) and (key, value) in SAME_AS_NONE


def _with_list(todo: str) -> str:
    return f"{todo} On the list: {', '.join(sorted(LAYERS))}."


def _check_parts(value: Any, name: str) -> None:
    """Refuse a class or module named anywhere within a value that is not on the lists."""
    if isinstance(value, dict):
        foreign = list(_foreign(value))
        if foreign:
            todo = "Nothing of it was loaded or run. Save the net without it."
            raise Unusable(
                f"Layer {name!r} names {foreign[0]!r}, which is not on the list of what a plain "
                f"layer names.",
                todo,
            )
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            _check_parts(part, name)


def _foreign(part: Mapping[str, Any]) -> Iterator[Any]:
    """What a part of a configuration names that is not on the lists."""
    kind, module = part.get("class_name"), part.get("module")
    if kind is not None and kind not in LEFT_OUT:
        yield kind
    if module is not None and module not in THEIR_MODULES:
        yield module
    # under another registered name keras would look up a class of somebody else
    registered = part.get("registered_name")
    if registered not in (None, kind):
        yield registered


def _check_dtype(dtype: Any, name: str) -> None:
    # a policy is written as a class with a name
    policy = dtype["config"]["name"] if isinstance(dtype, dict) else dtype
    if policy is not None and not DTYPES.fullmatch(policy):
        raise Unusable(
            f"Layer {name!r} works with {policy!r}.",
            "Save the net with float32 weights, not quantized.",
        )


# kernels have one shape in both orders
CHANNELS_LAST = (
    "Build the net with data_format='channels_last' on keras.Input((height, width, channels)), set "
    "its weights with new.set_weights(old.get_weights()), and save that; train it again where a "
    "Flatten reads pictures, whose numbers then come in another order."
)


def _value(key: str, value: Any, *, name: str, keras_3: bool) -> Any:
    """A number, a list of numbers or a known word."""
    if isinstance(value, dict) and value.get("class_name") == "__tuple__":
        value = value["items"]
    if key.endswith("activation"):
        return _activation(value, name=name, keras_3=keras_3)
    if not (
        _is_plain(value, most=MOST_VALUES.get(key, 8))
        or (isinstance(value, str) and value in WORDS.get(key, ()))
    ):
        raise Unusable(
            f"Layer {name!r} has {key}={str(value)[:60]!r}, which cannot be.", _word_advice(key)
        )
    return value


def _activation(value: Any, *, name: str, keras_3: bool) -> str:
    allowed = ACTIVATIONS if keras_3 else KERAS_2_ACTIVATIONS
    # what has no word names a function or a layer of somebody's own
    word = activation_name(value)
    if word not in allowed:
        words = ", ".join(sorted(allowed))
        todo = (
            f"Give it one of {words}; or make the activation a layer of its own, as "
            f"layers.ReLU(max_value=6)."
        )
        told = str(word or value)[:60]
        raise Unusable(f"Layer {name!r} has an activation that is not known here: {told!r}.", todo)
    return word


def _word_advice(key: str) -> str:
    if key == "data_format":
        return CHANNELS_LAST
    return f"Allowed: {', '.join(sorted(WORDS[key]))}." if key in WORDS else SAVE_AGAIN


def _is_plain(value: Any, depth: int = 2, most: int = 8) -> bool:
    if isinstance(value, list) and depth:
        return len(value) <= most and all(_is_plain(number, depth - 1) for number in value)
    if value is None or isinstance(value, bool):
        return True
    return isinstance(value, (int, float)) and math.isfinite(value) and abs(value) < MOST_NUMBER
