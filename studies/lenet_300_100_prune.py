"""How many of LeNet-300-100's 266 610 parameters does it need?

Magnitude pruning (Zhu & Gupta 2017) of the fully connected net of Han et al. 2015, on the real
digits of scikit-learn. On MNIST: SET="dataset=mnist train.batch_size=64". Cost: about 3 minutes on
2 cores.
"""

from framework import Choice, Float, Study, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("lenet_300_100"),
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
