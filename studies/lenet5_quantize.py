"""What do half precision and 8 bits cost LeNet-5, in accuracy, bytes and time?

Post-training quantization (Jacob et al. 2018) of the Caffe LeNet-5, alone and after magnitude
pruning (Zhu & Gupta 2017), on the real digits of scikit-learn; every combination once. On MNIST:
SET="dataset=mnist train.batch_size=64". Fine-tuned at the rate of the training: in 4 epochs at
twice the rate the control loses more than its seeds differ. Cost: about 1.5 minutes on 2 cores.
"""

from framework import Choice, Study, Train, use

STUDY = Study(
    dataset=use("digits"),
    architecture=use("lenet5"),
    train=Train(finetune_factor=1.0),
    compress=[
        Choice(None, use("magnitude_prune", sparsity=0.9, epochs=4)),
        Choice(
            None,
            use("ptq", label="float16", format="float16"),
            use("ptq", label="dynamic", format="dynamic"),
            use("ptq", label="int8", format="int8", scales=Choice("per_channel", "per_tensor")),
        ),
    ],
    objectives={"val_accuracy": "max", "size_tflite_compressed_bytes": "min"},
    sampler="grid",
    trials=10,
)
