"""The nets written out in NumPy: against finite differences, against each other, and against Keras step by step."""

import json
import subprocess
import sys

import numpy as np
import pytest

import zoo
from zoo import backend
from zoo.backend import keras
from zoo.data import named, sources
from zoo.errors import UsageError
from zoo.scratch import logistic, mlp, two_layer
from zoo.scratch.cost import cross_entropy, sigmoid
from zoo.scratch.gan import GAN
from zoo.scratch.normalisation import NormalisedMLP, follow
from zoo.scratch.optimizers import Adam, Momentum, RMSprop
from zoo.tracing import TWINS as TWINS_IN_KERAS
from zoo.tracing import trace

CATS = pytest.mark.skipif("catvnoncat" not in named.available(), reason="catvnoncat is not at hand: set ZOO_DATA")
NETS = {  # net, classes
    "logistic": (logistic.LogisticRegression(), 2),
    "logistic, 3 classes": (logistic.LogisticRegression(), 3),
    "no hidden layer": (mlp.MLP(hidden=()), 2),
    "relu": (mlp.MLP(hidden=(5,)), 2),
    "tanh, deep": (mlp.MLP(hidden=(5, 4, 3), activation="tanh"), 3),
    "sigmoid": (mlp.MLP(hidden=(5, 4), activation="sigmoid"), 4),
    "course": (mlp.MLP(hidden=(5, 4), initialisation="course"), 2),
}


def examples(classes, m=7, inputs=6):
    random = np.random.default_rng(classes)
    return random.normal(size=(m, inputs)), np.arange(m) % classes


@pytest.mark.parametrize("case", NETS)
def test_gradients_are_those_of_finite_differences(case):
    net, classes = NETS[case]
    x, y = examples(classes)
    random = np.random.default_rng(0)
    parameters = [p + random.normal(size=p.shape) for p in net.initial(6, 1 if classes == 2 else classes, seed=1)]
    _, gradients = net.cost_and_gradients(parameters, x, y)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        for spot in np.ndindex(parameter.shape):
            costs, value = [], parameter[spot]
            for step in (1e-6, -1e-6):
                parameter[spot] = value + step
                costs.append(net.cost_and_gradients(parameters, x, y)[0])
            parameter[spot] = value
            assert gradient[spot] == pytest.approx((costs[0] - costs[1]) / 2e-6, rel=1e-5, abs=1e-8)


def test_one_hidden_layer_written_out_is_the_loop():
    x, y = examples(2)
    net = mlp.MLP(hidden=(4,), initialisation="course")
    mine, loop = two_layer.initial(6, 4), net.initial(6, 1)
    for _ in range(20):
        (cost, gradients), (looped, of_loop) = (
            two_layer.cost_and_gradients(mine, x, y),
            net.cost_and_gradients(loop, x, y),
        )
        assert cost == looped
        mine = [p - 0.5 * g for p, g in zip(mine, gradients, strict=True)]
        loop = [p - 0.5 * g for p, g in zip(loop, of_loop, strict=True)]
    assert all(np.array_equal(a, b) for a, b in zip(mine, loop, strict=True))


def test_far_logits_neither_overflow_nor_lose_the_cost():
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        cost, gradient = cross_entropy(np.array([[800.0], [-800.0]]), np.array([0, 0]))
        assert cost == 400 and gradient.tolist() == [[0.5], [0]]
        cost, gradient = cross_entropy(np.array([[800.0, 0, -800]]), np.array([1]))
        assert cost == 800 and gradient.tolist() == [[1, -1, 0]]
        assert sigmoid(np.array([-800.0, 800])).tolist() == [0, 1]


TWINS = {
    "logistic": {"name": "logistic", "input_shape": (8, 8, 3)},
    "logistic of points": {"name": "mlp", "input_shape": (6,), "hidden": ()},
    "two layers": {"name": "mlp", "input_shape": (8, 8, 3), "hidden": (4,), "initialisation": "course"},
    "four layers": {"name": "mlp", "input_shape": (8, 8, 3), "hidden": (6, 5, 4), "initialisation": "course"},
    "tanh, three classes": {
        "name": "mlp",
        "input_shape": (6,),
        "hidden": (5,),
        "activation": "tanh",
        "num_classes": 3,
    },
}


def toy(model, classes):
    random = np.random.default_rng(0)
    y = np.arange(24) % classes
    if len(model.preprocessing.shape) == 1:
        return random.normal(size=(24, *model.preprocessing.shape)) + y[:, None], y
    return random.integers(0, 256, (24, *model.preprocessing.shape)).astype(np.uint8), y


@pytest.fixture
def double(monkeypatch):
    """Let Keras compute in float64 all through, the learning rate and the loss too."""
    import keras
    from keras.src.backend.common import dtypes

    # on JAX and PyTorch, Keras makes float32 of float64 in between, "to be aligned with JAX's default behavior"
    monkeypatch.setitem(dtypes.BIT64_TO_BIT32_DTYPE, "float64", "float64")

    if keras.backend.backend() == "jax":
        import jax

        if not jax.config.jax_enable_x64:
            pytest.skip("JAX computes in float64 only where JAX_ENABLE_X64=1 is set")
    policy = keras.config.dtype_policy()  # kept by Keras, whatever `set_floatx` says
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield keras
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy(policy)


@pytest.mark.parametrize("case", TWINS)
def test_numpy_and_keras_agree_step_by_step(case, double):
    """In float64: the cost before each of 12 steps, and the weights after each (the rate is exact in binary)."""
    arguments = dict(TWINS[case])
    name, classes = arguments.pop("name"), arguments.get("num_classes", 2)
    ours = zoo.get(name, engine="numpy", seed=3, **arguments)
    theirs = zoo.get(name, dtype="float64", **arguments)
    x, y = toy(ours, classes)
    theirs.model.set_weights(ours.parameters)
    optimizer = double.optimizers.SGD(0.0625)
    theirs.model.compile(optimizer, theirs._make_plan(sources.load((x, y)), None).loss, metrics=["accuracy"])
    inputs = np.asarray(x, np.float64)
    targets = y.reshape(-1, 1) if classes == 2 else y
    for _ in range(12):
        cost, gradients = ours.net.cost_and_gradients(ours.parameters, ours.engine.rows(x), y)
        ours.parameters = [p - 0.0625 * g for p, g in zip(ours.parameters, gradients, strict=True)]
        loss = theirs.model.train_on_batch(inputs, targets)[0]
        assert float(loss) == pytest.approx(cost, abs=1e-6)
        for a, b in zip(theirs.model.get_weights(), ours.parameters, strict=True):
            assert a.dtype == np.float64 and np.abs(a - b).max() < 1e-12


@pytest.mark.parametrize("case", TWINS)
def test_the_verbs_are_those_of_the_twin(case, tmp_path):
    arguments = dict(TWINS[case])
    name, classes = arguments.pop("name"), arguments.get("num_classes", 2)
    ours, theirs = zoo.get(name, engine="numpy", seed=0, **arguments), zoo.get(name, dtype="float64", **arguments)
    x, y = toy(ours, classes)
    theirs.model.set_weights(ours.parameters)
    histories = [m.train((x, y), epochs=3, batch_size=24, learning_rate=0.05, progress=False) for m in (ours, theirs)]
    rounding = 1e-12 if backend.name() == "tensorflow" else 1e-5  # as above
    assert histories[0].history["loss"] == pytest.approx(histories[1].history["loss"], abs=rounding)
    assert keras.config.floatx() == "float32"
    evaluations = [m.evaluate((x, y), progress=False) for m in (ours, theirs)]
    assert evaluations[0]["accuracy"] == evaluations[1]["accuracy"]
    assert [p.label for p in ours.predict(list(x[:5]))] == [p.label for p in theirs.predict(list(x[:5]))]
    ours.save(tmp_path / "a.keras")
    loaded = zoo.load(tmp_path / "a.keras")
    assert np.abs(loaded.engine(x.astype(np.float32))[0] - ours.engine(x.astype(np.float32))[0]).max() < 1e-4


# The other nets: each against the same layers of Keras, a hundred steps in float64


STEPS, RATE = 100, 0.0625  # which is exact in binary


@pytest.mark.parametrize("name", TWINS_IN_KERAS)
def test_a_hundred_steps_are_those_of_keras(name, double):
    twin = TWINS_IN_KERAS[name]()
    net, model = twin.net, twin.model
    random = np.random.default_rng(2)
    parameters = [p + random.normal(0, 0.1, p.shape) for p in net.initial(*twin.sizes, seed=1)]
    assert [p.shape for p in parameters] == [tuple(w.shape) for w in model.trainable_weights]
    for weight, value in zip(model.trainable_weights, parameters, strict=True):
        weight.assign(value)
    model.compile(double.optimizers.SGD(RATE), twin.loss)
    moving, costs = (np.zeros(8), np.ones(8)), []
    for _ in range(STEPS):
        if isinstance(net, NormalisedMLP):
            z = twin.x[0] @ parameters[0]
            moving = follow(moving[0], z.mean(axis=0)), follow(moving[1], z.var(axis=0))
        cost, gradients = net.cost_and_gradients(parameters, twin.x, twin.y)
        parameters = [p - RATE * g for p, g in zip(parameters, gradients, strict=True)]
        assert float(model.train_on_batch(twin.inputs, twin.targets)) == pytest.approx(cost, rel=1e-5)
        costs.append(cost)
    assert costs[-1] < 0.99 * costs[0]
    for weight, value in zip(model.trainable_weights, parameters, strict=True):
        assert np.abs(backend.ops.convert_to_numpy(weight) - value).max() < 1e-9, weight.path
    for weight, value in zip(model.non_trainable_weights, moving, strict=False):
        assert np.abs(backend.ops.convert_to_numpy(weight) - value).max() < 1e-9, weight.path


@pytest.mark.parametrize("name", TWINS_IN_KERAS)
def test_a_trace_has_every_signal_its_error_and_keras_gradients(name, double):
    traced = trace(name)
    assert traced.cost == pytest.approx(traced.cost_in_keras, abs=1e-9)
    assert all(each.apart < 1e-9 for each in traced.weights) and any(each.gradient > 1e-3 for each in traced.weights)
    last = traced.signals[-1]
    assert last.error > 0 and last.name in ("z", "z2", "z3", "logits", "scores")
    twin = TWINS_IN_KERAS[name]()
    parameters = twin.net.initial(*twin.sizes, seed=0)
    signals = twin.net.forward(parameters, twin.x)
    _, errors, gradients = twin.net.backward(parameters, signals, twin.y)
    assert all(errors[key].shape == signals[key].shape for key in errors if key != "x")
    assert [g.shape for g in gradients] == [p.shape for p in parameters]


def test_the_command_traces(run):
    code, out, _ = run("trace", "mlp", "--json")
    traced = json.loads(out)
    assert code == 0 and [each["name"] for each in traced["signals"]] == ["x", "a1", "a2", "z"]
    code, out, _ = run("trace", "mlp")
    assert code == 0 and "from Keras on" in out and "zoo/scratch/mlp.py" in out
    code, _, err = run("trace", "mpl")
    assert code == 2 and "did you mean 'mlp'" in err


def test_both_nets_of_the_gan_learn_as_keras_has_it(double):
    net = GAN(latent=3, hidden=5)
    random = np.random.default_rng(0)
    real, noise = random.normal(size=(8, 6)), random.normal(size=(8, 3))
    players = []
    for sizes, end in (((3, 5, 6), "tanh"), ((6, 5, 1), None)):
        x = keras.Input((sizes[0],))
        hidden = double.layers.Dense(sizes[1], activation="relu")(x)
        players.append(keras.Model(x, double.layers.Dense(sizes[2], activation=end)(hidden)))
    ours = [*net.initial(6, seed=1)]
    for model, parameters in zip(players, ours, strict=True):
        model.set_weights(parameters)
    generator, discriminator = players
    ops = keras.ops
    x, z, chained = keras.Input((6,)), keras.Input((3,)), keras.Input((3,))
    judge = keras.Model([x, z], [discriminator(x), discriminator(ops.stop_gradient(generator(z)))])
    fooled = keras.Model(chained, discriminator(generator(chained)))
    for _ in range(STEPS):
        (d_cost, learns), (g_cost, draws) = net.costs_and_gradients(*ours, real, noise)
        ours = [[p - RATE * g for p, g in zip(*pair, strict=True)] for pair in zip(ours, (draws, learns), strict=True)]
        yes = lambda _, says: ops.mean(ops.softplus(-says))  # noqa: E731
        both = lambda _, says: ops.mean(ops.softplus(-says[0])) + ops.mean(ops.softplus(says[1]))  # noqa: E731
        slopes = []
        for model, loss, inputs, player in (
            (fooled, yes, noise, generator),
            (judge, both, [real, noise], discriminator),
        ):
            known = dict(
                zip(map(id, model.trainable_variables), backend.gradients(model, inputs, None, loss), strict=True)
            )
            slopes.append([known[id(variable)] for variable in player.trainable_variables])
        for player, gradients in zip(players, slopes, strict=True):
            for variable, gradient in zip(player.trainable_variables, gradients, strict=True):
                variable.assign(variable - RATE * gradient)
    for player, parameters in zip(players, ours, strict=True):
        for weight, value in zip(player.get_weights(), parameters, strict=True):
            assert np.abs(weight - value).max() < 1e-9
    assert np.isfinite([d_cost, g_cost]).all()


@pytest.mark.parametrize("name", ["momentum", "rmsprop", "adam"])
def test_optimizers_step_as_those_of_keras(name, double):
    ours = {"momentum": Momentum(RATE, 0.75), "rmsprop": RMSprop(RATE, 0.75), "adam": Adam(RATE, (0.75, 0.875))}[name]
    theirs = {
        "momentum": double.optimizers.SGD(RATE, momentum=0.75),
        "rmsprop": double.optimizers.RMSprop(RATE, rho=0.75),
        "adam": double.optimizers.Adam(RATE, beta_1=0.75, beta_2=0.875),
    }[name]
    random = np.random.default_rng(0)
    parameters = [random.normal(size=(3, 4)), random.normal(size=2)]
    variables = [double.Variable(p) for p in parameters]
    for _ in range(STEPS):
        gradients = [random.normal(size=p.shape) for p in parameters]
        parameters = ours.step(parameters, gradients)
        theirs.apply([keras.ops.convert_to_tensor(g) for g in gradients], variables)
    for variable, value in zip(variables, parameters, strict=True):
        assert np.abs(keras.ops.convert_to_numpy(variable) - value).max() < 1e-9


def test_it_imports_no_framework():
    code = "import sys, zoo; m = zoo.get('logistic', engine='numpy', input_shape=(8, 8, 3)); d = m._toy_data()"
    code += "; m.train(d, epochs=1, progress=False); m.evaluate(d); print('keras' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-P", "-c", code], text=True).split() == ["False"]


REFUSED = {
    "no NumPy": ({"name": "perceptron", "engine": "numpy"}, "logistic, mlp"),
    "no such engine": ({"name": "logistic", "engine": "jax"}, "'keras' and 'numpy'"),
    "dropout": ({"name": "mlp", "engine": "numpy", "dropout": 0.5}, "has no dropout"),
    "activation": ({"name": "mlp", "engine": "numpy", "activation": "gelu"}, "relu, tanh, sigmoid"),
    "initialisation": ({"name": "mlp", "engine": "numpy", "initialisation": "zeros"}, "'he' and 'course'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_written_out_is_refused(case):
    arguments, message = REFUSED[case]
    with pytest.raises(UsageError, match=message):
        zoo.get(**arguments)


@CATS
def test_the_course_s_own_numbers():
    """The first costs that the course prints, within 1e-9; all of them: `zoo reproduce course_cats`."""
    model = zoo.get("logistic", engine="numpy")
    costs = model.train("catvnoncat", epochs=2, progress=False).history["cost"]
    assert costs == pytest.approx([0.6931471806, 0.5845083636], abs=1e-9)
    for hidden, first in (((7,), 0.6930497357), ((20, 7, 5), 0.7717493284)):
        model = zoo.get("mlp", engine="numpy", hidden=hidden, initialisation="course")
        dataset = zoo.data.sources.load("catvnoncat").splits["train"]
        cost, _ = model.net.cost_and_gradients(model.parameters, model.engine.rows(dataset.items), dataset.y)
        assert cost == pytest.approx(first, abs=1e-9)
