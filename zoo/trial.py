"""Build and run one saved file's model, to see whether it can be: a program that `zoo.saving` runs, see there.

Usage: python -m zoo.trial FILE NAME; ends with 0, with 1 and what is wrong as JSON, or as a framework ends.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from zoo import saving
from zoo.errors import ZooError
from zoo.tasks import factory


def main(file: str, name: str) -> None:
    """Open the model of a saved file and compare its answers with those of the day it was saved."""
    from zoo.backend import keras

    archive = replace(factory.read_archive(Path(file)), path=Path(name))
    keras.ops.add(1.0, 1.0)  # starts whatever the backend starts once
    imports = saving.limit_process(len(archive.members[saving.WEIGHTS]))
    model = archive.build()
    archive.compare(lambda inputs: saving.outputs(model, inputs))
    archive.check_speed(lambda inputs: saving.outputs(model, inputs), imports)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except (ZooError, MemoryError) as error:
        sys.stdout.write(json.dumps(str(error)))
        sys.exit(1)
