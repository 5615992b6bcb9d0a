"""How sparse can a small SqueezeNet get, with squeeze-and-excitation and without?

Magnitude pruning (Zhu & Gupta 2017) of a simplified SqueezeNet whose channels are weighed by
squeeze-and-excitation (Hu et al. 2018), on the real digits of scikit-learn. Without it:
SET="architecture.se=False". Cost: about 4 minutes on 2 cores.
"""

from framework import Choice, Float, Study, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("squeezenet_se"),
    compress=[
        use("magnitude_prune", layers="erk", sparsity=Float(0.5, 0.98), epochs=Choice(2, 4, 8))
    ],
    objectives={"val_accuracy": "max", "params_nonzero": "min"},
    ahead=8,
    trials=24,
)
