"""Which net for pictures gives the most accuracy for its size, and how far can each be pruned?

A search over architectures: LeNet-300-100 and LeNet-5 (LeCun et al. 1998), a plain CNN, SqueezeNet
with and without squeeze-and-excitation (Iandola et al. 2016, Hu et al. 2018) and ResNet-8 (Banbury
et al. 2021), each under magnitude pruning (Zhu & Gupta 2017), all trained alike, on the real digits
of scikit-learn. Fine-tuning has the rate of the training: at twice that, as elsewhere, it alone
costs LeNet-5 half a point. Cost: about 3 minutes on 2 cores.
"""

from framework import Choice, Float, Study, Train, use

STUDY = Study(
    dataset=use("digits"),
    architecture=Choice(
        use("lenet_300_100"),
        use("lenet5"),
        use("cnn"),
        use("squeezenet", width=0.25),
        use("squeezenet_se"),
        use("resnet8"),
    ),
    train=Train(epochs=12, batch_size=32, warmup_epochs=2, finetune_factor=1),
    compress=[use("magnitude_prune", sparsity=Float(0.5, 0.97), epochs=4)],
    objectives={"val_accuracy": "max", "params_nonzero": "min"},
    ahead=8,
    trials=24,
)
