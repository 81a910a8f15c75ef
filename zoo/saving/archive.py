"""Saved files: one `.keras` file that plain Keras opens, with a record of ours inside, and a safe door to open it.

The file is Keras' own archive (`config.json`, `metadata.json`, `model.weights.h5`) and one more member that plain
Keras ignores, `zoo.json`. Opening trusts none of them: see `zoo/saving/safety.py`.
"""

import contextlib
import importlib
import importlib.metadata
import io
import json
import math
import os
import platform
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import environment
from zoo._version import __version__
from zoo.console import aligned, describe
from zoo.errors import RefusedError, ZooError, brief, framework_reason, printable
from zoo.files import atomic_file, home, is_cached, is_full, read_bytes, temporary_folder
from zoo.files import output as output_file
from zoo.registry import NOWHERE, Definition
from zoo.saving import limits, safety
from zoo.saving.packing import digest, unpack
from zoo.saving.safety import CONFIG, MEMBERS, METADATA, RECORD, WEIGHTS
from zoo.saving.work import too_much, work_of

if TYPE_CHECKING:
    from zoo.backend import keras

FORMAT = 1


@dataclass(frozen=True)
class Record:
    """What a saved file says of itself.

    Attributes:
        path: the file.
        content: the record as JSON: name, task, labels, preprocessing, data, metrics, versions, self-test.
    """

    path: Path
    content: dict

    @property
    def task(self) -> str:
        """The kind of work that the file's model does."""
        return self.content["task"]

    def to_json(self) -> dict:
        """What is of interest to people and programs: without the self-test and the hashes."""
        hidden = ("selftest", "members", "familiar", "pictures")
        return {key: value for key, value in self.content.items() if key not in hidden}

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def __str__(self):
        size = f"{printable(str(self.path))} ({self.path.stat().st_size / 1e6:.1f} MB)"
        return aligned([("file", size), *describe(self.to_json())])


def output(
    path: str | os.PathLike,
    record: dict,
    overwrite: bool = False,
    read: Callable[[Path], dict] = lambda path: read_record(path).content,
) -> Path:
    """Where a model may be saved: a file that is there holds one for the same task and with the same classes.

    Args:
        path: the file.
        record: what it is to say of itself; "task" and "labels" count.
        overwrite: replace whatever file is there.
        read: gives the record of a file, or raises ZooError where it has none.

    Raises:
        ZooError: there is something else; see `zoo.files.output`.
    """
    return output_file(path, lambda file: _conflict(file, record, read), overwrite=overwrite)


def output_folder(path: str | os.PathLike, record: dict, overwrite: bool, read: Callable[[Path], dict]) -> Path:
    """Where a model may be written as a folder; the arguments are those of `output`.

    A folder that holds anything but a model that the zoo wrote is never replaced.

    Raises:
        ZooError: there is something else.
    """
    target = Path(os.path.realpath(path))
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return target
    if not target.is_dir():
        raise ZooError(f"{path} is a file, where a folder is to be written; give another name.")
    try:
        read(target)
    except ZooError:
        raise ZooError(f"{path} is there already and is no model that the zoo wrote. Give another name.") from None
    if (reason := _conflict(target, record, read)) and not overwrite:
        raise ZooError(
            f"{path} is there already and {reason}. Give another name, or replace it: --overwrite, in Python "
            "overwrite=True."
        )
    return target


def _conflict(file: Path, record: dict, read: Callable[[Path], dict]) -> str:
    """Why what is there should stay where a model with that record is to be written; "" where it may go."""
    try:
        existing = read(file)
    except ZooError:
        return "is no model that the zoo saved"
    if existing["task"] != record["task"]:
        return f"holds a model for {existing['task']}, where this one is for {record['task']}"
    both = (about.get("labels") for about in (existing, record))
    old_labels, labels = ([*map(str, names)] if isinstance(names, list) else [] for names in both)
    if {*old_labels} == {*labels}:
        return ""
    return f"knows {brief(old_labels) or 'no classes'}, where this model knows {brief(labels)}"


def save(model: "keras.Model", path: Path, record: dict, test: dict, overwrite: bool = False) -> None:
    """Write a model and its record as one `.keras` file, whole or not at all.

    Args:
        model: a `keras.Model`; a compiled one is saved without its optimizer.
        path: the file, ending in `.keras`.
        record: what to remember, as JSON.
        test: the file's self-test, from `selftest`.
        overwrite: replace whatever file is there, see `output`.

    Raises:
        ZooError: the name does not end in `.keras`, something else is there, or the file cannot be written.
    """
    check_ending(path)
    with unwritable(path):
        parts = members(model)
    write(path, parts, record, test, overwrite)
    limits.remember(limits.mark(parts, test))


def members(model: "keras.Model") -> dict[str, bytes]:
    """The members of a `.keras` file of a model, as Keras writes them."""
    from zoo.backend import random_scope, silence_stderr

    with temporary_folder() as folder:
        copy = folder / "model.keras"
        # to write a model down Keras imports TensorFlow, whatever it runs on
        with silence_stderr(), random_scope(None):
            if model.compiled:
                model = uncompiled(model)
            model.save(copy)
        with zipfile.ZipFile(copy) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: dict[str, bytes], record: dict, test: dict, overwrite: bool = False) -> None:
    """Write the members of a `.keras` file and its record, whole or not at all; no framework is needed.

    Args:
        path: the file, ending in `.keras`.
        members: Keras' own members by name.
        record: what to remember, as JSON.
        test: the file's self-test, from `selftest`.
        overwrite: replace whatever file is there, see `output`.

    Raises:
        ZooError: the name does not end in `.keras`, something else is there, or the file cannot be written.
    """
    check_ending(path)
    target = output(path, record, overwrite)
    record = {
        "format": FORMAT,
        **record,
        "versions": {
            "zoo": __version__,
            "keras": json.loads(members[METADATA])["keras_version"],
            "python": platform.python_version(),
        },
        "selftest": test,
        "members": {name: digest(content) for name, content in members.items()},
    }
    with unwritable(path), atomic_file(target, suffix=".keras") as file:
        pack(file, {**members, RECORD: json.dumps(record, indent=1).encode()})


def pack(file: Path, members: dict[str, bytes]) -> None:
    """Write the members of a `.keras` file; as they are but for the record, as weights hardly compress."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content, zipfile.ZIP_DEFLATED if name == RECORD else zipfile.ZIP_STORED)


def check_ending(path: Path) -> None:
    """Refuse a name that Keras would not open again."""
    if path.suffix != ".keras":
        raise ZooError(f"a model is saved as a .keras file, got {str(path)!r}; try {path.stem + '.keras'!r}.")


@contextlib.contextmanager
def unwritable(path: Path) -> Iterator[None]:
    """Say which file could not be written, and why."""
    try:
        yield
    except OSError as error:
        raise ZooError(f"{path} cannot be written: {error.strerror or error}.") from error


def uncompiled(model: "keras.Model") -> "keras.Model":
    """A twin of a compiled model that carries neither optimizer nor loss; it shares the layers where it can."""
    from zoo.backend import keras

    if type(model).__name__ == "Functional" and model.trainable:  # a model's own `trainable` would reach its layers
        return keras.Model(model.input, model.output, name=model.name)
    twin = type(model).from_config(model.get_config())
    if not twin.built:
        twin.build_from_config(model.get_build_config())
    twin.set_weights(model.get_weights())
    return twin


RECORD_FIELDS = {"format": int, "name": str, "task": str, "source": str, "arguments": dict, "data": dict}
RECORD_FIELDS |= {"metrics": dict, "selftest": dict, "members": dict, "versions": dict}


def read_record(path: Path) -> Record:
    """Read what a saved file says of itself, without a framework and without opening the rest.

    Raises:
        ZooError: missing, damaged, too large when unpacked, or not a file of the zoo's.
    """
    check_is_file(path)
    with safety.open_zip(path, path) as archive:
        return record_of(path, archive, path.stat().st_size)


@dataclass(frozen=True)
class Archive:
    """A saved file that was read, and found to hold nothing but a model.

    Attributes:
        path: the file.
        members: Keras' own members by name.
        record: what the file says of itself.
        sha256: of the whole file.
        definition: the module whose classes the file may name beside Keras' own.
        made_here: whether it never was a file.
    """

    path: Path
    members: dict[str, bytes]
    record: Record
    sha256: str
    definition: Definition = NOWHERE
    made_here: bool = False

    @classmethod
    def in_memory(cls, name: str, members: dict[str, bytes], test: dict) -> "Archive":
        """What a file would hold, before it is written."""
        path, sha256 = Path(name), digest(members[CONFIG] + members[WEIGHTS])
        archive = cls(path, members, Record(path, {"selftest": test}), sha256, made_here=True)
        archive.trust()
        return archive

    @property
    def selftest(self) -> dict:
        """What `saving.selftest` gave on the day that the file was saved."""
        return self.record.content["selftest"]

    def open(self) -> "keras.Model":
        """Build the `keras.Model`, and compare its answers with those of the day it was saved.

        Raises:
            ZooError: this version of Keras cannot build it, or the self-test fails.
        """
        self.try_elsewhere(meanwhile=lambda: importlib.import_module("zoo.backend"))  # which takes as long
        from zoo import backend

        model = self.build()
        self.test(lambda inputs: outputs(model, inputs), backend.setting())
        return model

    @property
    def is_ours(self) -> bool:
        """Whether a model of this configuration was made here, so that nothing needs to be tried."""
        return self.made_here or is_cached(limits.mark(self.members, self.selftest))

    def tried_with(self, usual: int) -> int:
        """How many inputs at a time its model is known to bear: `usual`, of a stranger's those of its self-test."""
        return usual if self.is_ours else min(usual, self.selftest["inputs"]["shape"][0])

    def trust(self) -> None:
        """Remember that it was made here, or is known by its hash: nothing needs to be tried."""
        limits.remember(limits.mark(self.members, self.selftest))

    def try_elsewhere(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Let another process build and run the model first, once for its configuration.

        Args:
            meanwhile: is called while that process works.

        Raises:
            ZooError: that process did not come to a good end.
        """
        backend, _ = environment.keras_backend()
        passed = limits.mark(self.members, self.selftest, backend)
        only_here = self.definition.only_here and self.definition.module.encode() in self.members[CONFIG]
        if self.is_ours or is_cached(passed) or only_here:
            return
        self.unpack_selftest()
        with temporary_folder() as folder:
            copy = folder / "model.keras"
            pack(copy, {**self.members, RECORD: json.dumps(self.record.content).encode()})
            process = limits.begin(copy, self.path, backend)
            meanwhile()
            limits.finish(process, self.path)
        limits.remember(passed)

    def build(self) -> "keras.Model":
        """Build the `keras.Model`; its answers are compared by who uses them."""
        from zoo.backend import keras, random_scope

        if self.definition.module:
            importlib.import_module(self.definition.module)
        try:
            # In a thread of its own: Keras keeps a list for each of what it has yet to make room for, and would do so
            # at the next occasion.
            with ThreadPoolExecutor(1) as thread, random_scope(None):
                sizes = thread.submit(self.sizes).result()
            self._check_sizes(*sizes)
            with temporary_folder() as folder, random_scope(None):
                copy = folder / "checked.keras"
                pack(copy, {**self.members, WEIGHTS: safety.clean_copy(self.members[WEIGHTS])})
                return keras.saving.load_model(copy, compile=False, safe_mode=True)
        except RefusedError:
            raise
        except Exception as error:  # Keras raises what it likes on a configuration that it cannot rebuild
            if is_full(error):
                raise
            versions = self.record.content.get("versions", {})
            raise ZooError(
                f"{self.path} was saved with Keras {versions.get('keras')} and does not open with Keras "
                f"{keras.__version__}: {framework_reason(error)}."
            ) from error

    def _check_sizes(self, needed: int, largest: int, work: int) -> None:
        """Refuse a model that needs more numbers than its weights hold, or makes too much of an example; see `sizes`.

        Raises:
            RefusedError: it does.
        """
        held = safety.check_arrays(self.members[WEIGHTS])
        if needed > held + 2**20:  # states of random numbers may be absent
            raise RefusedError(
                f"{self.path} is refused: its configuration asks for {needed:,} numbers, its weights hold {held:,}."
            )
        if not self.is_ours and (reason := too_much(largest, work, held)):
            raise RefusedError(f"{self.path} is refused: {reason}.")

    def sizes(self) -> tuple[int, int, int]:
        """What a model of its configuration takes, without making room for it.

        Returns:
            How many numbers its weights are, the most that a layer makes of an example, and the multiply-adds for one.
        """
        from zoo.backend import keras, steps

        with keras.StatelessScope(initialize_variables=False):
            sketch = keras.saving.deserialize_keras_object(json.loads(self.members[CONFIG]), safe_mode=True)
            outputs = [size for _, made in steps(sketch) for size in made.values()]
            work, within = work_of(sketch)
        return sum(math.prod(variable.shape) for variable in sketch.variables), max([within, *outputs]), work

    def check_speed(self, answer: Callable[[np.ndarray], object], imports: float) -> None:
        """Refuse a model that takes very long for each example of its self-test; nothing else runs meanwhile.

        Args:
            answer: from inputs to anything.
            imports: what `limits.limit_process` gave.

        Raises:
            RefusedError: it does.
        """
        inputs, _, _ = self.unpack_selftest()
        most = limits.seconds_for_example(len(self.members[WEIGHTS]), imports)
        taken = math.inf
        for _ in range(2):  # what is done for the first time takes longer
            began = time.process_time()
            answer(inputs)
            taken = min(taken, (time.process_time() - began) / len(inputs))
            if taken <= most:
                return
        raise RefusedError(
            f"{self.path} is refused: its model takes {taken:.2f} seconds of the processor for one example, and one "
            f"of its size may take {most:.2f}."
        )

    def test(self, answer: Callable[[np.ndarray], np.ndarray], setting: str) -> None:
        """Compare a model's answers with those of the day it was saved; once for this file and setting.

        Args:
            answer: from inputs to outputs.
            setting: what else the answers may depend on: versions, backend, device.

        Raises:
            ZooError: the answers differ by more than rounding, or the self-test itself is damaged.
        """
        passed = home() / "selftests" / digest(f"{self.sha256} {setting}".encode())
        if not is_cached(passed):
            self.compare(answer)
            limits.remember(passed)

    def compare(self, answer: Callable[[np.ndarray], np.ndarray]) -> None:
        """Compare a model's answers with those of the day it was saved; see `test`."""
        inputs, expected, tolerance = self.unpack_selftest()
        try:
            got = answer(inputs)
        except Exception as error:  # a backend raises what it likes on inputs that do not fit
            raise ZooError(f"{self.path}: its self-test is damaged ({framework_reason(error)}).") from error
        difference = np.abs(got - expected).max() if got.shape == expected.shape else np.inf
        if not difference <= tolerance:
            raise ZooError(
                f"{self.path} fails its self-test: the model's answers differ by {difference:.3g} from those it gave "
                f"when it was saved (at most {tolerance:.3g} is rounding). Do not use it here; retrain, or report the "
                f"versions: Keras {importlib.metadata.version('keras')}, {environment.keras_backend()[0]}."
            )

    def unpack_selftest(self) -> tuple[np.ndarray, np.ndarray, float]:
        """Inputs, expected outputs, and by how much these may differ.

        Raises:
            ZooError: they are damaged.
        """
        test = self.selftest
        try:
            # `read` has looked at the shapes
            inputs, expected = (unpack(test[part], math.prod(test[part]["shape"])) for part in ("inputs", "outputs"))
            tolerance = float(test["tolerance"])
            if not (np.isfinite(tolerance) and len(inputs)):
                raise ValueError("it proves nothing")
        except Exception as error:
            raise ZooError(f"{self.path}: its self-test is damaged ({error}).") from error
        return inputs, expected, tolerance


def read(path: Path, definition_of: Callable[[str], Definition] = lambda name: NOWHERE) -> Archive:
    """Read a saved file and check everything that needs no trust in it; no framework is imported.

    Args:
        path: the file.
        definition_of: from a model's name to the one module whose classes its file may name beside Keras' own.

    Raises:
        ZooError: missing, not the zoo's, damaged, or it holds what a model file must not.
    """
    check_is_file(path)
    try:
        content = read_bytes(path)  # once: what is checked is what is opened
    except OSError as error:
        raise ZooError(f"{path} cannot be read: {error.strerror}.") from error
    except MemoryError as error:
        raise ZooError(f"{path} is larger than this computer's memory.") from error
    with safety.open_zip(path, io.BytesIO(content)) as archive:
        record = record_of(path, archive, len(content))
        hashes = record.content["members"]
        if missing := MEMBERS - {RECORD} - hashes.keys():
            raise ZooError(f"{path}: its {RECORD} holds no hash of {', '.join(sorted(missing))}.")
        if unknown := hashes.keys() - MEMBERS:
            what = ", ".join(map(repr, sorted(unknown)))
            raise ZooError(f"{path}: its {RECORD} holds hashes of {what}, which are not there.")
        members = {name: safety.read_member(path, archive, name) for name in hashes}
        for name, expected in hashes.items():
            if digest(members[name]) != expected:
                raise ZooError(f"{path}: its {name} is not the one that was saved (its SHA-256 differs).")
    definition = definition_of(record.content["name"])
    safety.check_config(path, members[CONFIG], definition.module, definition.classes)
    safety.check_weights(path, members[WEIGHTS])
    opened = Archive(path, members, record, digest(content), definition)
    safety.check_selftest(path, opened.selftest)
    return opened


def check_is_file(path: Path) -> None:
    """Refuse what is no ordinary file: a pipe or a device would be waited for, or read without end."""
    try:
        is_file = path.is_file()
    except (OSError, ValueError) as error:  # a name that no file can have
        raise ZooError(f"{str(path)!r} cannot be read: {error}.") from error
    if not is_file:
        raise ZooError(f"there is no file {str(path)!r}.")


def record_of(path: Path, archive: zipfile.ZipFile, size: int) -> Record:
    """The record in an archive of `size` bytes, after a look at what else is in there."""
    safety.check_members(path, archive, size)
    content = safety.parse_json(path, RECORD, safety.read_member(path, archive, RECORD))
    if not isinstance(content, dict):
        content = {}
    wrong = [field for field, kind in RECORD_FIELDS.items() if not isinstance(content.get(field), kind)]
    if wrong:
        raise ZooError(f"{path}: its {RECORD} lacks {', '.join(wrong)}; it is not one that zoo wrote.")
    if content["format"] > FORMAT:
        raise ZooError(f"{path} was written by a newer zoo; type: python -m pip install --upgrade keras-zoo")
    return Record(path, content)


def outputs(model: "keras.Model", inputs: np.ndarray) -> np.ndarray:
    """The model's outputs, computed without compiling anything; float32, shape (n, ...)."""
    from zoo.backend import keras

    return keras.ops.convert_to_numpy(keras.ops.cast(model(inputs, training=False), "float32"))
