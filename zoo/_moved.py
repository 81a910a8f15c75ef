"""Modules that have moved: what they were called still imports for one version, with a DeprecationWarning."""

import importlib
import sys
import warnings
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {  # old name -> new name; to be removed in version 0.2
    "zoo.adversarial": "zoo.tasks.images.adversarial",
    "zoo.data.alike": "zoo.data.doctor.near_duplicates",
    "zoo.data.augment": "zoo.data.images.augment",
    "zoo.data.batches": "zoo.training.order",
    "zoo.data.corpora": "zoo.data.text.corpora",
    "zoo.data.download": "zoo.download",
    "zoo.data.facts": "zoo.data.dataset_info",
    "zoo.data.findings": "zoo.data.doctor.findings",
    "zoo.data.folders": "zoo.data.images.folders",
    "zoo.data.pictures": "zoo.data.images.pictures",
    "zoo.data.preprocessing": "zoo.data.images.preprocessing",
    "zoo.data.readers": "zoo.data.images.datasets",
    "zoo.data.skip_list": "zoo.data.images.skip_list",
    "zoo.data.streams": "zoo.data.images.streams",
    "zoo.data.text_readers": "zoo.data.text.datasets",
    "zoo.data.vocabulary": "zoo.data.text.vocabulary",
    "zoo.drawing": "zoo.visualization.charts",
    "zoo.evaluation": "zoo.tasks.images.fidelity",
    "zoo.familiar": "zoo.tasks.images.novelty",
    "zoo.mistakes": "zoo.tasks.images.evaluation",
    "zoo.pretrained.features": "zoo.transfer.features",
    "zoo.pretrained.head": "zoo.transfer.head",
    "zoo.pretrained.shipped": "zoo.weights.load",
    "zoo.pretrained.torch_file": "zoo.weights.torch_file",
    "zoo.pretrained.transfer": "zoo.transfer.finetune",
    "zoo.recurrent": "zoo.tasks.text.recurrent",
    "zoo.reports": "zoo.console",
    "zoo.safety": "zoo.saving.safety",
    "zoo.samplers": "zoo.tasks.text.samplers",
    "zoo.seq2seq": "zoo.tasks.text.seq2seq",
    "zoo.sheets": "zoo.visualization.grid",
    "zoo.tables": "zoo.cli.tables",
    "zoo.tasks.classification": "zoo.tasks.images.classification",
    "zoo.tasks.dialogue": "zoo.tasks.text.dialogue",
    "zoo.tasks.embedding": "zoo.tasks.text.embedding",
    "zoo.tasks.image_generation": "zoo.tasks.images.image_generation",
    "zoo.tasks.language": "zoo.tasks.text.language",
    "zoo.tasks.reconstruction": "zoo.tasks.images.reconstruction",
}


class MovedFinder:
    """Finder and loader of the old names. Python asks it last, for modules that nothing else finds."""

    @classmethod
    def find_spec(cls, name: str, path=None, target=None) -> ModuleSpec | None:
        return ModuleSpec(name, cls) if name in MOVED else None  # type: ignore[arg-type]

    @classmethod
    def create_module(cls, spec: ModuleSpec) -> None:
        """Nothing of its own: Python makes an empty module, for which `exec_module` puts the moved one."""

    @classmethod
    def exec_module(cls, module: ModuleType) -> None:
        old = module.__name__
        warnings.warn(
            f"{old} is now {MOVED[old]}; the old name goes in version 0.2.", DeprecationWarning, stacklevel=2
        )
        sys.modules[old] = importlib.import_module(MOVED[old])
