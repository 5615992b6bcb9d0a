"""How small can LeNet-300-100 get before accuracy falls by two points?

Change that line: it is the question, and heads the report. Below it: where the idea comes from, and
what it costs. Magnitude pruning (Zhu & Gupta 2017) on the real digits of scikit-learn. Cost: about
2 minutes on 2 cores.
"""

# A study is a value, not a program: one docstring, imports from framework, one STUDY = Study(...).
# On the right of a knob is a value, or a domain to search: Float(low, high), Int(low, high),
# Choice(...). All that exists: make list. The knobs of one of them:
# make show NAME=magnitude_prune
from framework import AtMost, Choice, Float, Study, Train, use

STUDY = Study(
    # The data. Another one for a quick try:
    # make study NAME=new_name SET="dataset=mnist"
    dataset=use("digits"),
    # The net, dense; it is trained once, and is the baseline that everything is compared with.
    architecture=use("lenet_300_100", units_1=300, units_2=100),
    # How it is trained, and fine-tuned after a compression step.
    train=Train(epochs=20, batch_size=16, learning_rate=1e-3),
    # The steps of the compression, in order.
    compress=[use("magnitude_prune", layers="erk", sparsity=Float(0.5, 0.98), epochs=Choice(2, 4))],
    # What is traded off; each is measured on the exported file. quality: accuracy, or R2 where a
    # number is asked for.
    objectives={"quality": "max", "params_nonzero": "min"},
    # What counts as usable: at most 10 points below its own baseline. Leave the line out for no
    # limit.
    constraints=[AtMost("quality_drop", 0.10)],
    # How many; more later:
    # make study NAME=new_name SET="trials=30"
    trials=12,
    # Decides every random number. The same study with the same seed gives the same numbers.
    seed=0,
)
