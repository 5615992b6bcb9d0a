"""What do half precision and 8 bits cost a net that sees and hears, in accuracy, bytes and time?

Post-training quantization (Jacob et al. 2018) of two convolutional encoders, fused, alone and after
magnitude pruning (Zhu & Gupta 2017); every combination once. The data: scikit-learn's digits beside
the tones of a telephone's keys, made by rule. What either half reaches alone:
SET="architecture.reads=image", SET="architecture.reads=audio". Cost: about 2 minutes on 2 cores.
"""

from framework import Choice, Study, Train, use

STUDY = Study(
    dataset=use("digits_audio"),
    architecture=use("image_audio"),
    train=Train(epochs=20, batch_size=32, warmup_epochs=2),
    compress=[
        Choice(None, use("magnitude_prune", sparsity=0.8, epochs=4)),
        Choice(
            None,
            use("ptq", label="float16", format="float16"),
            use("ptq", label="dynamic", format="dynamic"),
            use("ptq", label="int8", format="int8", scales=Choice("per_channel", "per_tensor")),
        ),
    ],
    objectives={"quality": "max", "size_tflite_compressed_bytes": "min"},
    sampler="grid",
    trials=10,
)
