"""Fuzzes everything that reads strangers' files; a program, not a test: python tests/fuzz.py --minutes 60

What must hold, whatever the bytes: a reader gives a sound result or raises ZooError with a short message that can be
printed; within ten seconds and a bound on memory; and without writing outside its folder, running or connecting.

With atheris (pip install atheris) inputs are drawn by the coverage that their ancestors had, without it from the seeds
alone; `mutators.py` knows the formats. Three targets need Keras and run when they are named: "load" opens the models
of those archives that pass every check, "resume" goes on with the state of a run, "import" takes models of Keras 2.
Each target runs in processes of its own, so that a hang or a crash costs one input. In "load" no model is tried in a
process of its own first, which would take seconds for each; one that ends the fuzzer's is tried so before it counts as
a finding.

The smallest input for each way of breaking is kept in --findings, with a note of where it broke and how often;
`--target NAME --replay FILE` runs one again. --seed makes a run repeatable, but for where its time limit cuts it off.
"""

import argparse
import contextlib
import faulthandler
import hashlib
import importlib
import io
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mutators

HANG = 10  # seconds for one input
HANG_LOAD = 60  # the same, for a framework at work
MEMORY = 2**30  # bytes of address space, on top of what the imports take
MEMORY_LOAD = 8 * 2**30  # the same, for a framework at work
SLICE = 120  # seconds until the next target has its turn
LONGEST = 4000  # characters of a message
NOBODY = 65534  # the user who reads folders, so that permissions count even where root fuzzes
INSTRUMENTED = ["zoo", "PIL", "zipfile", "csv", "pickletools", "h5py"]


# What each target does with its bytes


def run_torch(data: bytes, folder: Path) -> None:
    from zoo.weights.torch_file import parse

    for name, array in parse(data).items():
        assert isinstance(name, str) and not array.flags.writeable
        assert len(array.tobytes()) == array.nbytes <= 8 * len(data)


def run_keras(data: bytes, folder: Path):
    """Everything that is done with a saved file before a framework is needed."""
    import zoo

    path = folder / "a.keras"
    path.write_bytes(data)
    record = zoo.show(path)
    (str(record) + json.dumps(record.to_json())).encode()
    loaded = zoo.load(path)
    assert all(isinstance(label, str) for label in loaded.labels)
    second_opinion(loaded._archive.members)
    return loaded


def second_opinion(members: dict[str, bytes]) -> None:
    """Look again, in another way, at what the safe door let through."""
    import h5py

    for holder, key in mutators.places(json.loads(members["config.json"])):
        refused = ("Lambda", "TFSMLayer", "TorchModuleWrapper", "__lambda__", "__typespec__")
        assert key != "class_name" or holder[key] not in refused, holder[key]
    with h5py.File(io.BytesIO(members["model.weights.h5"]), "r") as file:
        datasets = []
        with contextlib.suppress(OSError, RuntimeError):  # damage that keeps Keras from reading them, too
            file.visititems(lambda _, item: datasets.append(item) if isinstance(item, h5py.Dataset) else None)
            for item in datasets:
                assert item[()].dtype.kind in "fiub" and item.nbytes <= len(members["model.weights.h5"])


def run_load(data: bytes, folder: Path) -> None:
    """Open and use the model of an archive that passed the checks."""
    import numpy as np

    from zoo.saving import limits

    try:
        loaded = run_keras(data, folder)
    except Exception:  # the target "keras" is there for these
        return
    COUNTS["passed the door"] = COUNTS.get("passed the door", 0) + 1
    if not REPLAYING:
        limits.remember(limits.mark(loaded._archive.members, loaded._archive.selftest, "tensorflow"))
    outputs = loaded.model.output_shape[-1]
    assert len(loaded.labels) in (outputs, outputs + 1)
    loaded.predict(np.zeros((9, 9, 3), "uint8"))
    COUNTS["opened"] = COUNTS.get("opened", 0) + 1


def run_resume(data: bytes, folder: Path) -> None:
    """Go on with a run whose state is in question."""
    import zoo

    model = zoo.get("logistic", seed=1, input_shape=(4, 4, 3))
    (folder / "run").mkdir()
    (folder / "run" / "resume.npz").write_bytes(data)
    history = model.train(model._toy_data(), folder=folder / "run", epochs=1, resume=True, progress=False)
    assert len(history.history["loss"]) == 1


def run_images(data: bytes, folder: Path) -> None:
    from PIL import Image

    from zoo.data.images import ImageError, Preprocessing, decode_views, inspect

    Image.MAX_IMAGE_PIXELS = 2**20  # the same code as for larger pictures, in less time
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for channels in (3, 1):
            for view in decode_views(data, Preprocessing((8, 8), channels=channels), [0, 1]):
                assert view.shape == (8, 8, channels) and view.dtype == "uint8"
        with contextlib.suppress(ImageError):  # it decodes the whole, where a view may do with a part
            assert inspect(data).contrast in range(256)


def run_folder(data: bytes, folder: Path) -> None:
    from zoo.data import sources

    with contextlib.suppress(ValueError, RecursionError):
        root = folder / "photos"
        root.mkdir()
        mutators.grow(root, json.loads(data))
        with watching(folder), as_nobody():
            read_all(sources.load(root))
            read_all(sources.load(root, val_split=0.5))


def run_csv(data: bytes, folder: Path) -> None:
    from zoo.data import sources

    for number, name in enumerate("abcd"):
        (folder / f"{name}.ppm").write_bytes(mutators.PICTURE + bytes([number]))
    (folder / "t.csv").write_bytes(data)
    with watching(folder), as_nobody():
        read_all(sources.load(folder / "t.csv"))


def run_targets(data: bytes, folder: Path) -> None:
    """The same of tables that hold several labels or numbers, by each way to read them."""
    import numpy as np

    from zoo.data import sources
    from zoo.errors import ZooError
    from zoo.files import from_cell, to_cell
    from zoo.targets import CLASSES, LABELS, NUMBERS

    for number, name in enumerate("abcd"):
        (folder / f"{name}.ppm").write_bytes(mutators.PICTURE + bytes([number]))
    (folder / "t.csv").write_bytes(data)
    refusals = []
    for target in (None, CLASSES, LABELS, NUMBERS):
        try:
            with watching(folder), as_nobody():
                found = sources.load(folder / "t.csv", target=target)
        except ZooError as error:
            refusals.append(error)
            continue
        assert target in (None, found.splits["train"].target)
        for part in found.splits.values():
            answers = part.target.answers(part.y, part.labels)
            assert len(answers) == len(part.y) == len(part) and np.isfinite(part.y.astype(float)).all()
            for text in (*part.target.texts(part.y, part.labels), *part.target.counted(part.y, part.labels)):
                assert from_cell(to_cell(text)) == text and not to_cell(text).startswith(("=", "@", "\t", "\r"))
            assert set(part.target.strata(part.y).tolist()) <= {*range(len(part.labels) + 1)}
    if len(refusals) == 4:
        raise next((error for error in refusals if unsound(str(error))), refusals[0])


def run_import(data: bytes, folder: Path) -> None:
    """Make a classifier of somebody's Keras 2 model, use it, save it and open it again."""
    import numpy as np

    import zoo

    (folder / "a.zip").write_bytes(data)
    model = zoo.import_model(folder / "a.zip")
    COUNTS["imported"] = COUNTS.get("imported", 0) + 1
    said = model.predict(np.zeros((9, 9, 3), "uint8"))
    assert said.label in model.labels and (0 <= said.probability <= 1 or said.probability != said.probability)
    model.save(folder / "b.keras")
    assert zoo.load(folder / "b.keras").labels == model.labels


def run_vectors(data: bytes, folder: Path) -> None:
    """As text and as binary; one of the two is always the wrong one."""
    from zoo.errors import ZooError
    from zoo.weights.word2vec_file import read

    refusals = []
    for name in ("v.txt", "v.bin"):
        (folder / name).write_bytes(data)
        try:
            words, vectors = read(folder / name)
        except ZooError as error:
            refusals.append(error)
            continue
        assert len(set(words)) == len(words) == len(vectors) and vectors.nbytes <= 2 * len(data)
        assert (abs(vectors) < float("inf")).all() and all(words)
    if len(refusals) == 2:
        raise refusals[0]


def run_features(data: bytes, folder: Path) -> None:
    """A database of features that something has damaged: what it still gives is what was put there."""
    import numpy as np

    from zoo.transfer.cache import Cache

    cache = Cache(mutators.IDENTITY)
    cache.file.parent.mkdir(parents=True, exist_ok=True)
    cache.file.write_bytes(data)
    with contextlib.redirect_stderr(io.StringIO()), cache:
        for digest, view in [*mutators.FEATURES, *cache.known]:
            row = cache.get(digest, view)
            assert row is None or np.array_equal(row, mutators.FEATURES[digest, view])
        rows = [(digest, view, row) for (digest, view), row in mutators.FEATURES.items()]
        cache.put(rows)
        if cache.writable:
            kept = [cache.get(digest, view) for digest, view, _ in rows]
            assert all(held is None or np.array_equal(held, row) for held, (*_, row) in zip(kept, rows, strict=True))


def run_network(data: bytes, folder: Path) -> None:
    """A converted network that something has damaged: only the very files that were written are used."""
    from zoo.inference.conversion import check_seal

    network = folder / "network"
    network.mkdir()
    try:
        names = mutators.unpacked(data)
    except Exception:  # the mutator has damaged what holds the files together, which the cache does not have
        return
    for name, content in names.items():
        (network / name).write_bytes(content)
    with contextlib.suppress(ValueError, OSError, RecursionError):
        check_seal(network)
        whole = mutators.unpacked(mutators.seeds_network()[0])
        assert all(names[name] == content for name, content in whole.items() if name.startswith("model."))


def read_all(found) -> None:
    """Read every picture of a dataset the way that training does."""
    from zoo.data import sources
    from zoo.data.images import Preprocessing

    assert all(entry["path"] and entry["reason"] for entry in found.skipped)
    assert len(set(found.labels)) == len(found.labels) and "\n".join(found.labels).encode() is not None
    for part in found.splits.values():
        x, y, skipped = sources.arrays(part, Preprocessing((32, 32)))
        assert len(x) == len(y) and len(x) + len(skipped) == len(part) and part.labels == found.labels
        assert not len(y) or 0 <= y.min() <= y.max() < len(found.labels)
    assert len(found.fingerprint()) == 64


@contextlib.contextmanager
def as_nobody():
    """As a user to whom permissions apply, where this one is root; not for the first input, which still imports."""
    root = os.geteuid() == 0 and COUNTS["executions"]
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@dataclass(frozen=True)
class Target:
    seeds: Callable
    mutate: Callable
    run: Callable
    longest: int  # bytes of an input


TARGETS = {
    "torch": Target(mutators.seeds_torch, mutators.mutate_torch, run_torch, 20_000),
    "keras": Target(mutators.seeds_keras, mutators.mutate_keras, run_keras, 300_000),
    "images": Target(mutators.seeds_images, mutators.mutate_image, run_images, 60_000),
    "folder": Target(mutators.seeds_folder, mutators.mutate_folder, run_folder, 8_000),
    "csv": Target(mutators.seeds_csv, mutators.mutate_csv, run_csv, 300_000),
    "targets": Target(mutators.seeds_targets, mutators.mutate_csv, run_targets, 300_000),
    "vectors": Target(mutators.seeds_vectors, mutators.damaged, run_vectors, 20_000),
    "features": Target(mutators.seeds_features, mutators.damaged, run_features, 100_000),
    "network": Target(mutators.seeds_network, mutators.mutate_network, run_network, 10_000),
    "load": Target(mutators.seeds_keras, mutators.mutate_keras, run_load, 300_000),
    "resume": Target(mutators.seeds_resume, mutators.mutate_resume, run_resume, 300_000),
    "import": Target(mutators.seeds_import, mutators.mutate_import, run_import, 300_000),
}
WITH_KERAS = ("load", "resume", "import")


# One input

COUNTS = {"executions": 0}
REPLAYING: list[str] = []  # the file of the one input that is run again
WATCHED: list[Path] = []  # folders outside of which nothing may be written, while there are any
SEEN: list[str] = []  # what the audit hook saw
armed = -HANG_LOAD  # when the clock for a hang was last wound up
RUNS_CODE = "os.system os.exec os.posix_spawn os.fork subprocess.Popen socket.connect pickle.find_class".split()  # noqa: SIM905
CHANGES_FILES = "os.remove os.rename os.mkdir os.rmdir os.chmod os.symlink os.link os.truncate".split()  # noqa: SIM905


def audit(event: str, arguments) -> None:
    """Note every attempt to run something, to connect, or to write outside the folder."""
    if not WATCHED:
        return
    if event in RUNS_CODE and "zoo.trial" not in str(arguments):
        SEEN.append(f"{event} {str(arguments)[:200]}")
    elif event in CHANGES_FILES or (event == "open" and writes(*arguments[1:])):
        path = arguments[0]
        inside = isinstance(path, int) or Path(WATCHED[-1], os.fsdecode(path)).is_relative_to(WATCHED[-1])
        if not inside and path != os.devnull and "__pycache__" not in str(path):
            SEEN.append(f"{event} {path!r}")


def writes(mode, flags) -> bool:
    return bool({*"wax+"} & {*(mode or "")} or flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))


@contextlib.contextmanager
def watching(folder: Path):
    WATCHED.append(folder)
    try:
        yield
    finally:
        WATCHED.pop()


def attempt(run, data: bytes, folder: Path, trace=sys.stderr) -> str:
    """Run one input; "" where all holds, else what broke: its kind and place on the first line, then details.

    Args:
        run: what the target does.
        data: the input.
        folder: a folder that holds nothing but the canary; so it does again at the end.
        trace: the open file that the traceback of a hang goes to, before the process ends.
    """
    from zoo.errors import ZooError

    global armed
    hang = HANG_LOAD if run in (run_load, run_resume, run_import) else HANG
    if time.monotonic() - armed > hang / 5:  # not each time: it starts a thread
        armed = time.monotonic()
        faulthandler.dump_traceback_later(hang, exit=True, file=trace)
    SEEN.clear()
    broken = ""
    try:
        with contextlib.nullcontext() if run in (run_folder, run_csv, run_targets) else watching(folder):
            run(data, folder)
    except ZooError as error:
        message = str(error)
        if reason := unsound(message):
            broken = f"{reason} {place(error)}\n{message[:500]!r}"
    except Exception as error:
        broken = f"{type(error).__name__} {place(error)}\n{''.join(traceback.format_exception(error))[-4000:]}"
    COUNTS["executions"] += 1
    empty(folder)
    if SEEN and not broken:
        broken = f"forbidden: {SEEN[0].split()[0]}\n{SEEN[:20]}"
    return broken


def unsound(message: str) -> str:
    """What is wrong with a message, if anything."""
    from zoo.errors import escaped

    if not message.strip():
        return "empty message"
    if len(message) > LONGEST:
        return "message too long"
    return "" if escaped(message, keep="\n") == message else "message with control characters"


def place(error: BaseException) -> str:
    """The innermost line that an error came through, and the innermost one of the zoo's."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "contextlib" not in frame.filename]
    ours = [frame for frame in frames if "fuzz" not in Path(frame.filename).name and "/zoo/" in frame.filename]
    shown = [frames[-1], *ours[-1:]]
    return " < ".join(dict.fromkeys(f"{Path(frame.filename).name}:{frame.lineno}" for frame in shown))


def empty(folder: Path) -> None:
    """Remove whatever odd things a target has left in a folder."""
    global armed
    for path in folder.iterdir():
        if path.name == mutators.CANARY:
            continue
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            with contextlib.suppress(OSError, RecursionError):
                shutil.rmtree(path)
            if path.exists():  # too deep for Python, or closed; the time that this takes is no target's
                faulthandler.cancel_dump_traceback_later()
                armed = -HANG_LOAD
                subprocess.run(["chmod", "-R", "u+rwx", path], check=False, stderr=subprocess.DEVNULL)
                subprocess.run(["rm", "-rf", path], check=True)


def keep(findings: Path, target: str, data: bytes, broken: str) -> None:
    """Keep the smallest input for each way of breaking, and count the others."""
    kind = broken.splitlines()[0]
    path = findings / f"{target}-{hashlib.sha256(kind.encode()).hexdigest()[:10]}"
    note = path.with_suffix(".json")
    known = json.loads(note.read_text()) if note.exists() else {"target": target, "kind": kind, "count": 0}
    known["count"] += 1
    if not path.exists() or len(data) < path.stat().st_size:
        path.write_bytes(data)
        known["details"] = broken.splitlines()
    note.write_text(json.dumps(known, indent=1))


# One target, in a process of its own


def child(options) -> None:
    """Fuzz one target until its time is over, or run one input again."""
    target, work = TARGETS[options.target], Path(options.work)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    folder.chmod(0o777)
    os.mkfifo(folder / mutators.CANARY)
    os.chdir(folder)  # so that what a file names relatively is looked for there
    os.environ["ZOO_HOME"], tempfile.tempdir = str(folder / "home"), str(folder)
    atheris = None
    if options.target not in WITH_KERAS and not options.replay:
        with contextlib.suppress(ImportError):
            import atheris
    with atheris.instrument_imports(include=INSTRUMENTED) if atheris else contextlib.nullcontext():
        for name in ("zoo.api", "zoo.saving", "zoo.tasks.images.classification", "zoo.weights.torch_file"):
            importlib.import_module(name)
        seeds = target.seeds()
        target.run(seeds[0], folder)  # it passes, and imports the rest
        empty(folder)
    bound_memory(MEMORY_LOAD if options.target in WITH_KERAS else MEMORY)
    sys.addaudithook(audit)
    trace = (work / f"trace-{options.target}").open("w")
    faulthandler.enable(trace)
    if options.replay:
        REPLAYING.append(options.replay)
        print(attempt(target.run, Path(options.replay).read_bytes(), folder, trace) or "All holds.")
        shutil.rmtree(folder)
        return

    current, counts = work / f"current-{options.target}", work / f"counts-{options.target}"

    def one(data: bytes) -> None:
        current.write_bytes(data)  # so that it is known if it ends this process
        if broken := attempt(target.run, data, folder, trace):
            keep(Path(options.findings), options.target, data, broken)
        if COUNTS["executions"] % 10 == 0:
            counts.write_text(json.dumps(COUNTS))

    def mutated(data: bytes, draw) -> bytes:
        others = [seeds] if options.target in ("images", "csv", "targets") else []
        with contextlib.suppress(Exception):  # what others have made of the bytes may be beyond a mutator
            for _ in range(draw.choice([1, 1, 1, 2, 4])):
                data = target.mutate(data, draw, *others)[: target.longest]
        return data

    if atheris:
        fuzz_by_coverage(atheris, options, seeds, mutated, one)
    draw, end = random.Random(options.seed), time.monotonic() + options.seconds
    while time.monotonic() < end:
        one(mutated(draw.choice(seeds), draw))


def fuzz_by_coverage(atheris, options, seeds, mutated, one) -> None:
    """Hand over to libFuzzer, which ends the process when the time is over."""
    corpus = Path(options.work, "corpus", options.target)
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed{number}").write_bytes(seed)

    def custom(data: bytes, max_size: int, seed: int) -> bytes:
        draw = random.Random(seed)
        return atheris.Mutate(data, max_size) if draw.random() < 0.2 else mutated(data, draw)[:max_size]

    flags = {"max_total_time": options.seconds, "seed": options.seed, "max_len": TARGETS[options.target].longest}
    flags |= {"timeout": 10**5, "rss_limit_mb": 0, "len_control": 0, "artifact_prefix": f"{options.work}/"}
    command = [sys.argv[0], *(f"-{key}={value}" for key, value in flags.items()), str(corpus)]
    atheris.Setup(command, one, custom_mutator=custom)
    atheris.Fuzz()


def bound_memory(more: int) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + more, used + more))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


# All targets, in turn


def parent(options) -> None:
    findings, work = Path(options.findings), Path(options.work)
    findings.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    targets = options.target.split(",") if options.target else [name for name in TARGETS if name not in WITH_KERAS]
    totals = {name: {} for name in targets}
    began, turn = time.monotonic(), 0
    print(f"fuzzing {', '.join(targets)} for {options.minutes:g} minutes, seed {options.seed}", flush=True)
    try:
        while (left := options.minutes * 60 - (time.monotonic() - began)) > 1:
            target, seed = targets[turn % len(targets)], options.seed + turn
            turn += 1
            run_child(options, target, seed, int(max(1, min(left, SLICE))))
            counts = work / f"counts-{target}"
            for key, value in (json.loads(counts.read_text()) if counts.exists() else {}).items():
                totals[target][key] = totals[target].get(key, 0) + value
            counts.unlink(missing_ok=True)
            kinds = len([*findings.glob("*.json")])
            minutes = (time.monotonic() - began) / 60
            said = ", ".join(f"{value} {key}" for key, value in totals[target].items())
            print(f"{minutes:6.1f} min  {target:6} seed {seed}: {said}{covered(work, target)}; {kinds} kinds of break")
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("stopped")
    for target, counts in totals.items():
        print(f"{target}: " + ", ".join(f"{value} {key}" for key, value in counts.items()))
    for note in sorted(findings.glob("*.json")):
        known = json.loads(note.read_text())
        print(f"{known['count']:6} x {known['target']}: {known['kind']}  ({note.stem})")


def run_child(options, target: str, seed: int, seconds: int) -> None:
    """Run one target for a while; an input that ends the process is a finding."""
    work = Path(options.work)
    current = work / f"current-{target}"
    current.unlink(missing_ok=True)
    command = [sys.executable, __file__, "--child", "--target", target, "--seconds", seconds, "--seed", seed]
    command += ["--work", work, "--findings", options.findings]
    with (work / f"{target}.log").open("a") as log:
        process = subprocess.Popen([*map(str, command)], stdout=log, stderr=log, start_new_session=True)
        try:
            process.wait(seconds + 120)
        except subprocess.TimeoutExpired:
            print(f"{target}: a mutator or libFuzzer took too long, seed {seed}")
        finally:
            process.kill()
            process.wait()
    if not current.exists():
        sys.exit(f"{target} does not start: see {work / target}.log")
    replay = [*command[:2], "--target", target, "--replay", current, "--work", work]
    if process.returncode not in (0, -9) and subprocess.run([*map(str, replay)], stdout=subprocess.DEVNULL).returncode:
        broken = died((work / f"trace-{target}").read_text(), process.returncode)
        keep(Path(options.findings), target, current.read_bytes(), broken)


def died(trace: str, code: int) -> str:
    """What to call the end of a process: a hang or a crash, and where."""
    lines = [line.strip() for line in trace.splitlines() if line.strip().startswith("File ")]
    ours = [line for line in lines if "/zoo/" in line and "fuzz.py" not in line]
    kind = "hang" if "Timeout" in trace else f"process died with {code}"
    return f"{kind} {' < '.join(dict.fromkeys([*lines[:1], *ours[:1]]))}\n{trace[:4000]}"


def covered(work: Path, target: str) -> str:
    """The last coverage and size of the corpus that libFuzzer printed."""
    lines = (work / f"{target}.log").read_text(errors="replace").splitlines()
    words = next((line.split() for line in reversed(lines) if " cov: " in line), None)
    return (
        "" if words is None else f", {words[words.index('cov:') + 1]} edges, corpus {words[words.index('corp:') + 1]}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--target", default="", help=f"one or several of {', '.join(TARGETS)}, with commas")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1, 2**30))
    parser.add_argument("--findings", default="fuzz-findings", help="folder for the inputs that broke something")
    parser.add_argument("--work", default=str(Path(tempfile.gettempdir(), "fuzz-work")), help="corpora and logs")
    parser.add_argument("--replay", default="", help="run one input of --target, and say what breaks")
    parser.add_argument("--seconds", type=int, default=60, help=argparse.SUPPRESS)
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for name in ("findings", "work"):
        setattr(options, name, str(Path(getattr(options, name)).absolute()))
    options.replay = options.replay and str(Path(options.replay).absolute())
    Path(options.work).mkdir(parents=True, exist_ok=True)
    (child if options.child or options.replay else parent)(options)


if __name__ == "__main__":
    main()
