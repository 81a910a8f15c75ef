"""Kinds of work on pictures, each with the machinery that only it uses."""
