"""Kinds of work on text, each with the machinery that only it uses."""
