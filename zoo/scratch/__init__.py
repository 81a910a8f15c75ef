"""The nets of the courses written out in NumPy: forward, backward and the step, and nothing hidden.

`logistic.py`, `two_layer.py` and `mlp.py` are to be read first and in this order; then `optimizers.py`,
`normalisation.py`, `cnn.py`, `lstm.py`, `attention.py`, `word2vec.py`, `autoencoder.py` and `gan.py`. Two of them
can stand in for their Keras twins: `zoo.get("logistic", engine="numpy")`. The tests hold each pair against each
other, and `zoo trace cnn` prints one pass of both.

Examples are rows: x has the shape (examples, inputs), as in Keras. The course's matrices are the transposes.
"""
