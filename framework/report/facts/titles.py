"""Titles of what plug-ins of this package name as their source, for BibTeX."""

from __future__ import annotations

# by arXiv number, else by authors and year as a plug-in writes them
TITLES = {
    "1308.3432": "Estimating or Propagating Gradients Through Stochastic Neurons for Conditional "
    "Computation",
    "1502.03167": "Batch Normalization: Accelerating Deep Network Training by Reducing Internal "
    "Covariate Shift",
    "1505.00468": "VQA: Visual Question Answering",
    "1506.02626": "Learning both Weights and Connections for Efficient Neural Networks",
    "1509.01626": "Character-level Convolutional Networks for Text Classification",
    "1510.00149": "Deep Compression: Compressing Deep Neural Networks with Pruning, Trained "
    "Quantization and Huffman Coding",
    "1512.03385": "Deep Residual Learning for Image Recognition",
    "1602.07360": "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model "
    "size",
    "1605.04711": "Ternary Weight Networks",
    "1611.06440": "Pruning Convolutional Neural Networks for Resource Efficient Inference",
    "1701.05369": "Variational Dropout Sparsifies Deep Neural Networks",
    "1702.01992": "Gated Multimodal Units for Information Fusion",
    "1706.03762": "Attention Is All You Need",
    "1708.07747": "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning "
    "Algorithms",
    "1709.01507": "Squeeze-and-Excitation Networks",
    "1710.01878": "To prune, or not to prune: exploring the efficacy of pruning for model "
    "compression",
    "1711.02782": "Block-Sparse Recurrent Neural Networks",
    "1711.07128": "Hello Edge: Keyword Spotting on Microcontrollers",
    "1712.05877": "Quantization and Training of Neural Networks for Efficient "
    "Integer-Arithmetic-Only Inference",
    "1803.03635": "The Lottery Ticket Hypothesis: Finding Sparse, Trainable Neural Networks",
    "1804.03209": "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition",
    "1804.06028": "ListOps: A Diagnostic Dataset for Latent Tree Learning",
    "1806.08342": "Quantizing deep convolutional networks for efficient inference: A whitepaper",
    "1808.07275": "CentralNet: a Multilayer Approach for Multimodal Fusion",
    "1810.02340": "SNIP: Single-shot Network Pruning based on Connection Sensitivity",
    "1902.08153": "Learned Step Size Quantization",
    "1911.11134": "Rigging the Lottery: Making All Tickets Winners",
    "1912.05671": "Linear Mode Connectivity and the Lottery Ticket Hypothesis",
    "2002.04745": "On Layer Normalization in the Transformer Architecture",
    "2003.03033": "What is the State of Neural Network Pruning?",
    "2006.05467": "Pruning neural networks without any data by iteratively conserving synaptic "
    "flow",
    "2106.07597": "MLPerf Tiny Benchmark",
    "2202.02643": "The Unreasonable Effectiveness of Random Pruning: Return of the Most Naive "
    "Baseline for Sparse Training",
    "Alpaydin & Kaynak 1998": "Optical Recognition of Handwritten Digits",
    "Arthur & Vassilvitskii 2007": "k-means++: The Advantages of Careful Seeding",
    "Hinton & Salakhutdinov 2006": "Reducing the Dimensionality of Data with Neural Networks",
    "Hochreiter & Schmidhuber 1997": "Long Short-Term Memory",
    "Jackson et al. 2018": "Free Spoken Digit Dataset",
    "Krizhevsky 2009": "Learning Multiple Layers of Features from Tiny Images",
    "LeCun et al. 1998": "Gradient-Based Learning Applied to Document Recognition",
    "LeCun, Cortes & Burges 2010": "MNIST handwritten digit database",
    "Li & Roth 2002": "Learning Question Classifiers",
    "Maas et al. 2011": "Learning Word Vectors for Sentiment Analysis",
    "Mackey & Glass 1977": "Oscillation and Chaos in Physiological Control Systems",
    "Mozer & Smolensky 1989": "Skeletonization: A Technique for Trimming the Fat from a Network "
    "via Relevance Assessment",
    "Rumelhart, Hinton & Williams 1986": "Learning representations by back-propagating errors",
    "Zhou 2019": "easy-VQA",
}
