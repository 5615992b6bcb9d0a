"""What do half precision and 8 bits cost a recurrent net, in accuracy, bytes and time?

Post-training quantization (Jacob et al. 2018) of an LSTM (Hochreiter & Schmidhuber 1997) that reads
the digits of scikit-learn row by row, alone and after magnitude pruning (Zhu & Gupta 2017); every
combination once. On a series: SET="dataset=mackey_glass", which is regression.
Cost: about 1 minute on 2 cores.
"""

from framework import Choice, Study, Train, use

STUDY = Study(
    dataset=use("digits_rows"),
    architecture=use("lstm", units=128),
    train=Train(epochs=40, batch_size=16, learning_rate=3e-3, warmup_epochs=2),
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
