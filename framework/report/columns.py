"""The columns that a table of results may show, with what each of them means."""

from __future__ import annotations

from framework.report.tables import Column, four_digits, grouped, percent, ratio

# fmt: off
COLUMNS = (
    Column(name="label", head="net", short="Net"),
    Column(name="architecture", head="architecture", short="Architecture"),
    Column(name="strategy", head="strategy", short="Strategy"),
    Column(
        name="val_accuracy", head="val. accuracy (%)", group="Accuracy (%)", short="Val.", brief="accuracy %",
        text=percent, better="max",
        doc="share of the validation split that the exported .tflite file classifies rightly, in percent",
    ),
    Column(
        name="accuracy_drop", head="drop (points)", group="Accuracy (%)", short="Drop", brief="drop pt",
        text=percent, better="min",
        doc="accuracy of the row's own baseline minus the row's, in points (1 point = 0.01); below 0 is a gain",
    ),
    Column(
        name="val_r2", head="val. R2", group="R2", short="Val.", brief="R2", text=four_digits, better="max",
        doc="coefficient of determination of the exported .tflite file on the validation split: 1 is perfect, 0 no "
        "better than the mean of the labels",
    ),
    Column(
        name="r2_drop", head="drop in R2", group="R2", short="Drop", brief="drop", text=four_digits, better="min",
        doc="R2 of the row's own baseline minus the row's; below 0 is a gain",
    ),
    Column(
        name="val_rmse", head="val. RMSE", short="Val. RMSE", brief="RMSE", text="{:.4g}".format, better="min", level=1,
        doc="root mean square error of the exported .tflite file on the validation split, in units of the label",
    ),
    Column(
        name="params_total", head="parameters", group="Parameters", short="Total", text=grouped, better="min", level=1,
        doc="all weights of the net as deployed, zeros included",
    ),
    Column(
        name="params_nonzero", head="non-zero", group="Parameters", short="Non-zero", text=grouped, better="min",
        doc="those that are not exactly zero in the exported file",
    ),
    Column(
        name="params_nonzero_ratio", head="non-zero ratio", group="Parameters", short="Ratio", brief="nz ratio",
        text=ratio, better="max", doc="baseline / row, non-zero parameters",
    ),
    Column(
        name="size_tflite_bytes", head=".tflite (bytes)", text=grouped, better="min", level=2,
        doc="size of the exported .tflite file",
    ),
    Column(
        name="size_tflite_bytes_ratio", head=".tflite ratio", group="File ratio", short=".tflite", brief="file ratio",
        text=ratio, better="max",
        doc="baseline / row, size of the exported .tflite file, which stores zeros like any other value",
    ),
    Column(
        name="size_tflite_compressed_bytes", head="zstd (bytes)", text=grouped, better="min", level=2,
        doc="size of that file under zstandard, level 19",
    ),
    Column(
        name="size_tflite_compressed_bytes_ratio", head="zstd ratio", group="File ratio", short="zstd", text=ratio,
        better="max", doc="baseline / row, size of that file under zstandard, level 19",
    ),
    Column(
        name="size_dense_bytes", head="dense (bytes)", text=grouped, better="min", level=2,
        doc="bare weights in the types the file stores them in",
    ),
    Column(
        name="size_dense_bytes_ratio", head="dense ratio", text=ratio, better="max", level=2,
        doc="baseline / row, the same line",
    ),
    Column(
        name="size_sparse_bytes", head="sparse (bytes)", text=grouped, better="min", level=2,
        doc="non-zero weights and the smaller of two indices of where they are",
    ),
    Column(
        name="size_sparse_bytes_ratio", head="sparse ratio", text=ratio, better="max", level=2,
        doc="baseline / row, the same line",
    ),
    Column(
        name="size_codebook_bytes", head="codebook (bytes)", text=grouped, better="min", level=2,
        doc="weights as indices into a table of their distinct values, for each tensor",
    ),
    Column(
        name="size_codebook_bytes_ratio", head="codebook ratio", text=ratio, better="max", level=2,
        doc="baseline / row, the same line",
    ),
    Column(
        name="size_entropy_bytes", head="entropy (bytes)", text=grouped, better="min", level=2,
        doc="what an ideal coder would need for the weights, a bound and no file",
    ),
    Column(
        name="size_entropy_bytes_ratio", head="entropy ratio", text=ratio, better="max", level=2,
        doc="baseline / row, the same line",
    ),
    Column(
        name="macs_dense_ratio", head="MACs ratio", group="MACs ratio", short="Dense", text=ratio,
        better="max", level=1, doc="baseline / row, multiply-accumulates of one sample, zero weights included",
    ),
    Column(
        name="speedup_theoretical", head="theoretical speed-up", group="MACs ratio", short="Theory", text=ratio,
        better="max", level=1,
        doc="multiply-accumulates of the baseline / those of the row whose weight is not zero; not a measured speed",
    ),
    Column(
        name="latency_us_p50", head="latency (us)", short="Latency", text="{:.1f}".format, better="min",
        doc="median time for one sample in microseconds, on one thread of the machine in provenance.json",
    ),
    Column(
        name="speedup_measured", head="measured speed-up", short="Measured", text=ratio, better="max",
        doc="latency of the baseline / latency of the row, timed beside each other",
    ),
    Column(
        name="sparsity_asked", head="sparsity asked (%)", group="Sparsity (%)", short="Asked", text=percent, level=1,
        doc="zeros that the strategy was asked for, in percent of the kernels it was to prune",
    ),
    Column(
        name="sparsity_reached", head="sparsity reached (%)", group="Sparsity (%)", short="Reached", text=percent,
        level=1, doc="zeros counted in the exported file, in percent of the same kernels",
    ),
    Column(
        name="clusters_asked", head="clusters asked", group="Shared values", short="Asked", text="{:g}".format, level=1,
        doc="distinct values that a kernel was to have at most",
    ),
    Column(
        name="clusters_reached", head="clusters reached", group="Shared values", short="Reached", text="{:g}".format,
        level=1, doc="distinct values that one tensor of the exported file has at most",
    ),
    Column(
        name="clusters_reached_per_channel", head="clusters a channel", group="Shared values", short="A channel",
        text="{:g}".format, level=2,
        doc="distinct values that one output channel of the exported file has at most: with a scale, or a folded "
        "batch normalisation, for each channel a tensor has more than it was to have, and a channel has not",
    ),
    Column(
        name="bits_asked", head="bits asked", group="Bits a weight", short="Asked", text="{:g}".format, level=1,
        doc="of a value of a kernel, asked for by the strategy or the number format",
    ),
    Column(
        name="bits_reached", head="bits reached", group="Bits a weight", short="Reached", text="{:.2f}".format, level=1,
        doc="mean over the values of all kernels in the exported file: of their type, or what tells the levels of a "
        "grid apart",
    ),
    Column(
        name="touched_share", head="touched (%)", text=percent, level=2,
        doc="weights that the last step asked anything of, in percent: the others stay as they were",
    ),
    Column(
        name="quantized_share", head="quantized (%)", text=percent, level=1,
        doc="weights that the file does not store as float32, in percent",
    ),
    Column(
        name="val_disagreement", head="disagreement (%)", text=percent, better="min", level=1,
        doc="share of the validation split that the file decides otherwise than the float net it was made from",
    ),
)
