"""How the shipped weights are made: data, training, evaluation, export. Not part of the package."""

import os

# Read when onnxruntime is loaded, which otherwise tells its maker about every network that is opened.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
