"""Kinds of work: how data becomes (x, y), the loss, the metrics, and the verbs of each kind."""
