"""From a study file to what will be run: nothing is written, no TensorFlow."""
