"""The first nets of the course written out in NumPy: forward, backward and the step, and nothing hidden.

`logistic.py`, `two_layer.py` and `mlp.py` are to be read in this order. Two of them can stand
in for their Keras twins: `zoo.get("logistic", engine="numpy")`. The tests hold each pair against each other.

Examples are rows: x has the shape (examples, inputs), as in Keras. The course's matrices are the transposes.
"""
