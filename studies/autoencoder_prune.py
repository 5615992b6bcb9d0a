"""How far can an autoencoder be pruned before it no longer tells anomalies from digits?

Magnitude pruning (Zhu & Gupta 2017) of a dense autoencoder (Hinton & Salakhutdinov 2006), alone and
in 8 bits (Jacob et al. 2018). Quality is the R2 of what is rebuilt; the table has the AUC of the
error as an anomaly score beside it. On a table of your own: SET="dataset=csv dataset.path=mine.csv
dataset.task=reconstruction".
Cost: about 1 minute on 2 cores.
"""

from framework import Choice, Float, Study, Train, use

STUDY = Study(
    dataset=use("digits_anomaly"),
    architecture=use("autoencoder", code=16),
    train=Train(epochs=60, batch_size=16, learning_rate=2e-3, warmup_epochs=2),
    compress=[
        use("magnitude_prune", sparsity=Float(0.5, 0.9, step=0.1), epochs=10),
        Choice(None, use("ptq", format="int8")),
    ],
    objectives={"quality": "max", "size_tflite_compressed_bytes": "min"},
    sampler="grid",
    trials=10,
)
