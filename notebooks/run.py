"""Execute the notebooks by a kernel, and keep what they show; in both languages they run the same code.

    python notebooks/run.py                  all of them, anew
    python notebooks/run.py 06-cnn           this one
    python notebooks/run.py --check          as CI does: nothing is written, and an error ends it

What is shown comes from the English ones, and is copied into the Japanese ones.
"""

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
ENGLISH, JAPANESE = HERE / "en", HERE / "ja"


def execute(path: Path) -> nbformat.NotebookNode:
    """The notebook with what its cells show; a bar that has gone leaves nothing.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell ended in an error.
        SystemExit: something was written to standard error, which notebooks show on red.
    """
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs if output.get("data", {}).get("text/html") != ""]
        if red := [output.text for output in cell.outputs if output.get("name") == "stderr"]:
            sys.exit(f"{path.name} writes to standard error: {red[0][:300]}")
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    )
    return notebook


def main(words: list[str]) -> None:
    check, names = "--check" in words, [word for word in words if not word.startswith("-")]
    for path in sorted(ENGLISH.glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        start = time.perf_counter()
        english = execute(path)
        print(f"{path.stem}: {time.perf_counter() - start:.0f} s", flush=True)
        if check:
            continue
        nbformat.write(english, path)
        japanese = nbformat.read(JAPANESE / path.name, as_version=4)
        for cell, same in zip(japanese.cells, english.cells, strict=True):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = same.outputs, same.execution_count
            cell.metadata = {}
        japanese.metadata = english.metadata
        nbformat.write(japanese, JAPANESE / path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
