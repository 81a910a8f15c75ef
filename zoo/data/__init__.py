"""How pictures get in: sources, named datasets, decoding. NumPy and Pillow only, no deep-learning framework."""
