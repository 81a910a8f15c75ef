"""Models that another process writes, on the backend that can; whatever backend the user runs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from zoo import saving
from zoo.errors import ZooError
from zoo.files import temporary_folder

PATIENCE = 900  # seconds


def translate(task: Any, form: str, out: Path, backend: str, **options: Any) -> None:
    """Write a model in another form; see `zoo.translate.FORMS`.

    Args:
        task: the model.
        form: which.
        out: what to write.
        backend: that Keras runs on there.
        **options: of the form.

    Raises:
        ZooError: it cannot be translated; nothing is left at `out`.
    """
    with temporary_folder() as folder:
        saved = folder / "model.keras"
        task.save(saved)
        process = saving.start_program(
            "zoo.translate",
            form,
            str(saved),
            str(out),
            json.dumps(options),
            environment={"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        printed, errors = saving.communicate(process, PATIENCE)
        if process.returncode:
            lines = [line for line in (printed.strip() or errors.strip()).splitlines() if line.strip()]
            reason = lines[-1] if lines else f"its process ended with {process.returncode}"
            raise ZooError(f"{task.name} cannot be translated: {reason}")
