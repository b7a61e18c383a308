"""Training: data, network, recipe, evaluation."""
