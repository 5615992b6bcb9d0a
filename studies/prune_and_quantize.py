"""What do 80 % zeros, 8 bits, and both together cost a net?

Magnitude pruning (Zhu & Gupta 2017) and integer quantization (Jacob et al. 2018), alone and in a
chain, on one net; every combination once. By itself LeNet-5 (LeCun et al. 1998) on the digits of
scikit-learn; another net by SET="dataset=listops architecture=transformer", as in
docs/from-lenet-to-squeezenet.md. All are fine-tuned at twice the rate of their training, because
SqueezeNet wants it; LeNet-5's control loses by it, see docs/howto.md. Cost: about 1.5 minutes on 2
cores.
"""

from framework import Choice, Study, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("lenet5"),
    compress=[
        Choice(None, use("magnitude_prune", sparsity=0.8, epochs=4)),
        Choice(None, use("ptq", format="int8")),
    ],
    objectives={"quality": "max", "size_tflite_compressed_bytes": "min"},
    sampler="grid",
    trials=4,
)
