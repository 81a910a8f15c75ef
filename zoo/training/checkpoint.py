"""A run on disk: checkpoints, log, and the state from which it goes on exactly."""

import csv
import inspect
import io
import json
import math
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo import backend, catalog, files, saving
from zoo.backend import keras
from zoo.errors import ZooError
from zoo.files import atomic_file
from zoo.saving import plain
from zoo.training.run import Run


def check_folder(folder: Path, record: dict, overwrite: bool = False) -> None:
    """Refuse to write a training over something else.

    Args:
        folder: where it is to be kept.
        record: what its saved files will say of themselves, see `zoo.saving.output`.
        overwrite: write it there all the same.
    """
    for name in ("last.keras", "best.keras"):
        saving.output(folder / name, record, overwrite)
    trained = (folder / "last.keras").exists()  # it is written before the log
    for name in ("log.csv", "resume.npz"):
        files.output(folder / name, lambda file: "" if trained else "is of no training", overwrite=overwrite)


class RunCheckpoint(keras.callbacks.Callback):
    """Keeps a run on disk after each epoch: last.keras, best.keras, resume.npz, log.csv, each written whole."""

    def __init__(
        self,
        folder: Path,
        trained: keras.Model,
        kept: keras.Model,
        run: Run,
        callbacks: list[keras.callbacks.Callback],
        save: Callable[[Path], None],
    ):
        super().__init__()
        self.folder, self.trained, self.kept, self.run = folder, trained, kept, run
        self.callbacks, self.save = callbacks, save
        self.state: dict = {}
        self.random_states: list[np.ndarray] = []
        self.callback_states: list[dict] = []

    def start(self, state: dict) -> dict:
        """The state to begin with: the one given, or where the run is resumed the one on disk."""
        self.state = self.restore() if self.run.resume else state
        return self.state

    def on_train_begin(self, logs=None) -> None:
        # only now: Keras' callbacks forget what they knew when training begins, and this one is the last of them
        for callback, values in zip(self.callbacks, self.callback_states, strict=False):
            vars(callback).update(values)
        backend.set_random_states(self.random_states)  # only now: getting ready to train draws from them too

    def on_epoch_end(self, epoch, logs=None) -> None:
        logs = {key: float(value) for key, value in (logs or {}).items()}
        if not np.isfinite(logs.get("loss", 0.0)):
            return  # what is on disk is the last state that was any good
        variables = training_state(self.model)  # on JAX, asking for self.model fetches the state from the device
        history = self.state["history"]
        for key, value in logs.items():
            history.setdefault(key, []).append(value)
        self.state["epoch"] = epoch + 1
        self.state["stopped"] = bool(self.model.stop_training)  # by a callback: a resumed run stays stopped
        last = self.folder / "last.keras"
        self.save(last)
        name, mode = self.run.monitor
        # among equals the later epoch is the best: it has seen more
        if name in logs and logs[name] == (max if mode == "max" else min)(history[name]):
            self.state["best_epoch"] = epoch + 1
            with atomic_file(self.folder / "best.keras") as path:
                shutil.copyfile(last, path)
        self.write_log()
        self.store(variables)  # last: a run killed before this line goes on from the epoch before

    def take_best(self) -> None:
        """Give the model the weights of its best epoch, where there was validation data to tell."""
        if self.state.get("best_epoch", self.state["epoch"]) != self.state["epoch"]:
            path = self.folder / "best.keras"
            best = saving.read(path, catalog.definition).open()
            try:
                self.kept.set_weights(best.get_weights())
            except ValueError as error:
                raise ZooError(f"{path} holds another model; train anew without resume.") from error

    def write_log(self) -> None:
        history = self.state["history"]
        rows = zip(*history.values(), strict=True)
        with atomic_file(self.folder / "log.csv") as path, path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", *history])
            writer.writerows([epoch, *row] for epoch, row in enumerate(rows))

    # The resume file is our own .npz: arrays by number and one JSON text, opened with allow_pickle=False.

    def store(self, variables) -> None:
        arrays = {f"variable_{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)}
        content: dict = {
            "state": self.state,
            "identity": self.run.identity,
            "variables": shapes(variables),
            "callbacks": [],
        }
        for number, callback in enumerate(self.callbacks):
            content["callbacks"].append([type(callback).__name__, plain_state(callback)])
            for key, value in array_lists(callback).items():
                arrays |= {f"callback_{number}_{key}_{i}": a for i, a in enumerate(value)}
        arrays |= {f"random_{i}": a for i, a in enumerate(backend.random_states())}
        arrays["content"] = np.array(json.dumps(content))
        with atomic_file(self.folder / "resume.npz", suffix=".npz") as path, path.open("wb") as file:
            np.savez(file, **arrays)

    def restore(self) -> dict:
        path = self.folder / "resume.npz"
        if not path.is_file():
            raise ZooError(f"there is no run to resume in {str(self.folder)!r}; train without resume first.")
        try:
            arrays = read_arrays(path)
            content = saving.parse_json(path, "content", str(arrays.pop("content")).encode())
            state, identity, stored = checked_state(content["state"]), dict(content["identity"]), content["variables"]
            stored_callbacks = [(str(name), dict(values)) for name, values in content["callbacks"]]
            values = [arrays[f"variable_{i}"] for i in range(len(stored))]
            lists = array_lists_of(arrays)
        except (
            OSError,
            MemoryError,
            EOFError,
            RuntimeError,  # zipfile's, of kinds of archives that it does not read
            ValueError,
            LookupError,
            TypeError,
            AttributeError,
            zipfile.BadZipFile,
        ) as error:
            raise ZooError(f"{path} is damaged ({error}); train anew without resume.") from error
        if identity != self.run.identity:
            differ = [k for k, v in self.run.identity.items() if identity.get(k) != v]
            raise ZooError(
                f"the run in {str(self.folder)!r} is another one: its {', '.join(differ)} differ. "
                "Resume with the same model, arguments and data, or train anew without resume."
            )
        variables = training_state(self.trained)
        # NumPy has no bfloat16, and stores it as bytes
        held = [[*v.shape, "bfloat16" if v.dtype == "V2" else str(v.dtype)] for v in values]
        if stored != shapes(variables) or held != stored:
            raise ZooError(f"{path} holds another optimizer or model; train anew without resume.")
        names = [type(callback).__name__ for callback in self.callbacks]
        if names != [name for name, _ in stored_callbacks]:
            started_with = ", ".join(name for name, _ in stored_callbacks) or "none"
            raise ZooError(f"the run was started with these callbacks: {started_with}; give the same to resume.")
        self.random_states = [arrays[f"random_{i}"] for i in range(2) if f"random_{i}" in arrays]
        self.callback_states = [{**plain, **lists.get(i, {})} for i, (_, plain) in enumerate(stored_callbacks)]
        expected = backend.random_states()
        fits = [(a.shape, a.dtype) for a in self.random_states] == [(a.shape, a.dtype) for a in expected]
        if not fits or not all(map(may_have, self.callbacks, self.callback_states)):
            raise ZooError(f"{path} holds another state than its callbacks have; train anew without resume.")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return state


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an `.npz` file as `np.savez` writes it; ValueError where it is another, or holds less.

    What is not packed cannot unpack to more than the file.
    """
    content, arrays = files.read_bytes(path), {}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in archive.infolist()):
            raise ValueError("its arrays are packed")
        if sum(info.file_size for info in archive.infolist()) > len(content):
            raise ValueError("it declares more than it holds")
        for info in archive.infolist():
            stream = io.BytesIO(archive.read(info))
            if np.lib.format.read_magic(stream) != (1, 0):
                raise ValueError(f"{info.filename} is no array")
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
            numbers = stream.read()
            if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(numbers):
                raise ValueError(f"{info.filename} is no array of numbers, or holds less than it says")
            array = np.frombuffer(numbers, dtype).reshape(shape, order="F" if fortran else "C")
            arrays[info.filename.removesuffix(".npy")] = array.copy()
    return arrays


def checked_state(state: dict) -> dict:
    """The counters of a run, where they can be those of one: each logged number is there once for each epoch."""
    epoch, history = state["epoch"], state["history"]
    numbers = [value for values in history.values() for value in values]
    sound = type(epoch) is int and all(type(values) is list and len(values) == epoch for values in history.values())
    sound = sound and "loss" in history and all(isinstance(value, float) for value in numbers)
    sound = sound and type(state["seed"]) is int and 0 <= state["seed"] < 2**64
    if not sound or type(best := state.get("best_epoch", epoch)) is not int or not 1 <= best <= epoch:
        raise ValueError("its counters are none")
    return state


def array_lists_of(arrays: dict[str, np.ndarray]) -> dict[int, dict[str, list[np.ndarray]]]:
    """What `array_lists` gave for each callback, by its number, from the arrays of a resume file."""
    by_place: dict[int, dict[str, dict[int, np.ndarray]]] = {}
    for name, array in arrays.items():
        if name.startswith("callback_"):
            number, key_and_place = name.removeprefix("callback_").split("_", 1)
            key, place = key_and_place.rsplit("_", 1)
            by_place.setdefault(int(number), {}).setdefault(key, {})[int(place)] = array
    return {
        number: {key: [values[i] for i in sorted(values)] for key, values in lists.items()}
        for number, lists in by_place.items()
    }


def may_have(callback, state: dict) -> bool:
    """Whether values may stand where a callback has its own: numbers for numbers, and nothing for what is no value."""
    plain_values, lists = plain_state(callback), array_lists(callback)
    for key, value in state.items():
        if isinstance(value, list) and not all(isinstance(item, np.ndarray) for item in value):
            return False
        if isinstance(value, dict):
            return False
        if key in lists:
            if not isinstance(value, list) or [a.shape for a in value] != [a.shape for a in lists[key]]:
                return False
        elif isinstance(old := plain_values.get(key), int | float):
            if not isinstance(value, int | float | None):
                return False
        elif old is None and (hasattr(type(callback), key) or vars(callback).get(key) is not None):
            return False
    return True


def training_state(model) -> list:
    """Every variable that the next step depends on: weights, SeedGenerators' states, the optimizer's memory."""
    return [*model.variables, *model.optimizer.variables]


def shapes(variables) -> list:
    """What two lists of variables must share to be the same model and optimizer; names are counted up, so differ."""
    return [[*map(int, v.shape), str(v.dtype)] for v in variables]


def plain_state(callback) -> dict:
    """The counters and best values of a callback: its attributes that are plain numbers, words or None.

    Of Keras' own callbacks without what they were given: EarlyStopping turns the sign of its `min_delta` once it
    knows its metric, and would turn it again.
    """
    kinds = (bool, int, float, str, type(None), np.number)
    keras_own = type(callback).__module__.startswith("keras.")
    given = inspect.signature(type(callback).__init__).parameters if keras_own else ()
    return {key: plain(v) for key, v in vars(callback).items() if isinstance(v, kinds) and key not in given}


def array_lists(callback) -> dict:
    """A callback's attributes that are lists of arrays, as EarlyStopping's best weights are."""
    return {
        key: value
        for key, value in vars(callback).items()
        if isinstance(value, list) and value and all(isinstance(item, np.ndarray) for item in value)
    }
