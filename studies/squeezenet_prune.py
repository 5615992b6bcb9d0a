"""How sparse can SqueezeNet get before accuracy falls by two points?

Magnitude pruning (Zhu & Gupta 2017) of SqueezeNet (Iandola et al. 2016) at half width, on the real
digits of scikit-learn.
Cost: about 4 minutes on 2 cores.
"""

from framework import Choice, Float, Study, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("squeezenet", width=0.5),
    compress=[
        use("magnitude_prune", layers="erk", sparsity=Float(0.5, 0.98), epochs=Choice(2, 4, 8))
    ],
    objectives={"val_accuracy": "max", "params_nonzero": "min"},
    ahead=8,
    trials=30,
)
