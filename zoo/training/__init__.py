"""Training: plain `fit`, in which order, checkpoints, exact resume."""
