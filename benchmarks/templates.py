"""Make the templates of networks that ship converted anew, by Keras' own conversion: see zoo/inference/template.py.

python benchmarks/templates.py            # after a change to a file in pretrained/backbones/ that they depend on
"""

import os
import tempfile

from zoo import catalog, inference
from zoo.inference import template


def main() -> None:
    for card in catalog.cards().values():
        for name, weights in card.weights.items():
            if template.beside(weights).is_file():
                with tempfile.TemporaryDirectory() as home:
                    os.environ["ZOO_HOME"] = home
                    conversion = inference.Conversion.of_weights(card, name, shipped=False)
                    conversion.wait()
                    print(template.make(conversion, card, name, inference.FILE))


if __name__ == "__main__":
    main()
