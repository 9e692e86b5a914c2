"""How the shipped weights are made: data, training, evaluation, export. Not part of the package."""
