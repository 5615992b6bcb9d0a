"""Which steps of a chain does a small Transformer bear: zeros, shared values, 8 bits, all three?

Magnitude pruning (Zhu & Gupta 2017), weight sharing (Han et al. 2016) and integer quantization,
after training (Jacob et al. 2018) or within it (Krishnamoorthi 2018), each left out or taken, on a
Transformer encoder (Vaswani et al. 2017) that evaluates nested expressions, ListOps (Nangia &
Bowman 2018). Every combination once. Cost: about 7 minutes on 2 cores.
"""

from framework import Choice, Study, Train, use

STUDY = Study(
    dataset=use("listops"),
    architecture=use("transformer", d_model=48, layers=3, dropout=0.1),
    train=Train(
        epochs=30,
        batch_size=64,
        optimizer="adamw",
        learning_rate=3e-3,
        weight_decay=0.05,
        warmup_epochs=3,
    ),
    compress=[
        Choice(None, use("magnitude_prune", sparsity=0.5, epochs=3)),
        Choice(None, use("weight_cluster", clusters=16, epochs=2)),
        Choice(None, use("ptq", scales="per_tensor"), use("qat", scales="per_tensor", epochs=2)),
    ],
    objectives={"quality": "max", "size_tflite_compressed_bytes": "min"},
    sampler="grid",
    trials=12,
)
