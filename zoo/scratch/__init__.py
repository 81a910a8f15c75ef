"""The first nets of the course written out in NumPy: forward, backward and the step, and nothing hidden.

`logistic.py`, `two_layer.py` and `mlp.py` are to be read in this order. A file here that is called like a model can
stand in for its Keras twin: `zoo.get("logistic", engine="numpy")`. The tests hold the two against each other.

Examples are rows: x has the shape (examples, inputs), as in Keras. The course's matrices are the transposes.
"""
