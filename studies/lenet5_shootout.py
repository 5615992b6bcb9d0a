"""Which of eight ways to choose zeros keeps LeNet-5 most accurate, at 1/2 to 1/32 of its weights?

Random pruning as the control (Blalock et al. 2020), magnitude by layer (Zhu & Gupta 2017) and over
the net (Han et al. 2015), Taylor scores (Molchanov et al. 2017), SNIP (Lee et al. 2019), the
lottery ticket (Frankle & Carbin 2019), RigL (Evci et al. 2020) and variational dropout (Molchanov
et al. 2017), each at ratios 2, 4, 8, 16 and 32 of all kernel weights, on the real digits of
scikit-learn; every combination once. A net that is pruned after its training has 20 + 10 epochs,
one that begins sparse has 30, and a lottery ticket 30 beside the 20 of the dense net. Cost: about
10 minutes on 2 cores.
"""

from framework import Choice, Study, Train, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("lenet5"),
    train=Train(epochs=20),
    compress=[
        Choice(
            use("random_prune", sparsity=Choice(0.5, 0.75, 0.875, 0.9375, 0.96875), epochs=10),
            use("magnitude_prune", sparsity=Choice(0.5, 0.75, 0.875, 0.9375, 0.96875), epochs=10),
            use("global_prune", sparsity=Choice(0.5, 0.75, 0.875, 0.9375, 0.96875), epochs=10),
            use("gradient_prune", sparsity=Choice(0.5, 0.75, 0.875, 0.9375, 0.96875), epochs=10),
            use("snip", sparsity=Choice(0.5, 0.75, 0.875, 0.9375, 0.96875), epochs=30),
            use(
                "lottery_ticket",
                sparsity=Choice(0.5, 0.75, 0.875, 0.9375, 0.96875),
                rounds=3,
                epochs=10,
            ),
            use("dynamic_sparse", sparsity=Choice(0.5, 0.75, 0.875, 0.9375, 0.96875), epochs=30),
            use(
                "variational_prune",
                sparsity=Choice(0.5, 0.75, 0.875, 0.9375, 0.96875),
                epochs=6,
                tune_epochs=4,
            ),
        )
    ],
    objectives={"val_accuracy": "max", "params_nonzero": "min"},
    sampler="grid",
    trials=40,
)
