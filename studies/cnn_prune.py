"""How many of a plain CNN's weights does it need?

Magnitude pruning (Zhu & Gupta 2017) of two blocks of convolution and pooling with one hidden dense
layer, on the real digits of scikit-learn. On CIFAR-10: SET="dataset=cifar10 train.batch_size=64".
Cost: about 2 minutes on 2 cores.
"""

from framework import Choice, Float, Study, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("cnn"),
    compress=[
        use(
            "magnitude_prune",
            layers=Choice("uniform", "erk"),
            sparsity=Float(0.5, 0.99),
            epochs=Choice(2, 4, 8),
        )
    ],
    objectives={"val_accuracy": "max", "params_nonzero": "min"},
    ahead=8,
    trials=30,
)
