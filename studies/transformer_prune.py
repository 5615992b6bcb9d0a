"""How sparse can a small Transformer get before it forgets how to evaluate nested expressions?

Magnitude pruning (Zhu & Gupta 2017) of a Transformer encoder (Vaswani et al. 2017) on ListOps
(Nangia & Bowman 2018). Cost: about 5 minutes on 2 cores.
"""

from framework import Choice, Float, Study, Train, use

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
    compress=[use("magnitude_prune", layers="erk", sparsity=Float(0.3, 0.95), epochs=Choice(2, 4))],
    objectives={"quality": "max", "params_nonzero": "min"},
    ahead=8,
    trials=16,
)
