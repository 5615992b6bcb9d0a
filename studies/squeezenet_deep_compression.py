"""How small does SqueezeNet get when pruned, with shared values, stored in 8 bits?

Deep Compression (Han et al. 2016) of SqueezeNet (Iandola et al. 2016) at half width: magnitude
pruning, then weight sharing, then integer quantization after training (Jacob et al. 2018) or within
it (Krishnamoorthi 2018), with one scale for each tensor so that shared values stay shared. On the
real digits of scikit-learn; the size is that of the compressed file, whose entropy coder stands in
for the Huffman code of the paper. Cost: about 7 minutes on 2 cores.
"""

from framework import Choice, Float, Study, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("squeezenet", width=0.5),
    compress=[
        use("magnitude_prune", sparsity=Float(0.5, 0.9), epochs=Choice(4, 8)),
        use("weight_cluster", clusters=Choice(8, 16, 32, 64), epochs=2),
        Choice(use("ptq", scales="per_tensor"), use("qat", scales="per_tensor", epochs=1)),
    ],
    objectives={"val_accuracy": "max", "size_tflite_compressed_bytes": "min"},
    ahead=8,
    trials=16,
)
