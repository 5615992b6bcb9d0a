"""Which ways to choose zeros keep LeNet-5 more accurate than choosing them by lot, and by how much?

Magnitude by layer (Zhu & Gupta 2017), Taylor scores (Molchanov et al. 2017) and random pruning, the
control that a table needs (Blalock et al. 2020), share the zeros out alike (ERK, Evci et al. 2020);
magnitude over the net (Han et al. 2015) shares them out by itself. Each at ratios 4, 8, 16 and 32
of all kernel weights, under three seeds, on the real digits of scikit-learn. Fine-tuning has the
rate of the training: at twice that, as elsewhere, it alone costs LeNet-5 half a point.
Cost: about 4 minutes on 2 cores.
"""

from framework import Choice, Study, Train, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("lenet5"),
    train=Train(finetune_factor=1),
    compress=[
        Choice(
            use("random_prune", layers="erk", sparsity=Choice(0.75, 0.875, 0.9375, 0.96875)),
            use("magnitude_prune", layers="erk", sparsity=Choice(0.75, 0.875, 0.9375, 0.96875)),
            use("gradient_prune", layers="erk", sparsity=Choice(0.75, 0.875, 0.9375, 0.96875)),
            use("global_prune", sparsity=Choice(0.75, 0.875, 0.9375, 0.96875)),
        )
    ],
    objectives={"val_accuracy": "max", "params_nonzero": "min"},
    sampler="grid",
    trials=16,
    seeds=3,
)
