"""The doctor: what would harm a classifier of these pictures."""
