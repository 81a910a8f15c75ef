"""The shelf of models trained from scratch: one architecture a file, found by being there."""
