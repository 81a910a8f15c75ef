"""Experiments that anybody can repeat: defined as data, run by one runner, measured into rows of one schema."""
