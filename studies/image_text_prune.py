"""How sparse can a net that answers questions about pictures get before it only guesses?

Magnitude pruning (Zhu & Gupta 2017) of a convolutional encoder fused with attention over the
question (after Antol et al. 2015), on pictures composed of scikit-learn's digits with questions
made by rule. What either half reaches alone: SET="architecture.reads=question",
SET="architecture.reads=image". Cost: about 5 minutes on 2 cores.
"""

from framework import Choice, Float, Study, Train, use

STUDY = Study(
    dataset=use("digits_vqa"),
    architecture=use("image_text", filters=32, units=256, question_encoder="attention"),
    train=Train(epochs=50, batch_size=64, learning_rate=2e-3, warmup_epochs=2, augment=True),
    compress=[use("magnitude_prune", layers="erk", sparsity=Float(0.5, 0.97), epochs=Choice(2, 4))],
    objectives={"quality": "max", "params_nonzero": "min"},
    ahead=8,
    trials=20,
)
