"""`zoo.audit` beside cleanlab's confident learning: which of the labels that were made wrong are found?

    ZOO_DATA=path/to/data python benchmarks/audit.py --cleanlab path/to/python/with/cleanlab

A tenth of the labels is changed at random, five times. cleanlab scores the probabilities of cross-validation with the
folds, the features and the strength of `zoo.audit`. Then 20 photos a time are really left out, the head fitted
again without each, and compared with what `zoo.audit` says of them.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import add
from splits import Pool
from threadpoolctl import threadpool_limits

from zoo.data import sources
from zoo.transfer.features import Backbone, FeatureEngine, extract
from zoo.transfer.head import Standardised, fit_head, folds, held_out_outputs, optimum, solve_head
from zoo.transfer.influence import LeaveOneOut, softmax
from zoo.transfer.label_quality import judge

RESULTS = Path(__file__).parent / "results" / "audit.csv"
WRONG = 0.1  # share of the labels
SCORE = """
import json, sys, numpy, cleanlab
from cleanlab.rank import get_label_quality_scores
data = numpy.load(sys.argv[1])
scores = {method: get_label_quality_scores(data["y"], data["p"], method=method).tolist()
          for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy")}
print(json.dumps({"version": cleanlab.__version__, "scores": scores}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", nargs="+", default=["flower_photos", "hymenoptera"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--cleanlab", metavar="PYTHON", required=True, help="an interpreter with cleanlab")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    for dataset in options.datasets:
        pool = Pool(dataset)
        labels = sorted(set(pool.labels))
        truth = np.array([labels.index(label) for label in pool.labels])
        pictures = sources.Pictures(pool.paths, truth, labels)
        x = extract(pictures, FeatureEngine(Backbone("efficientnet_lite0"))).x[:, 0]
        for seed in options.seeds:
            add(options.out, {"dataset": dataset, "seed": seed, **compare(x, truth, len(labels), seed, options)})


def compare(x: np.ndarray, truth: np.ndarray, k: int, seed: int, options: argparse.Namespace) -> dict:
    """Both on the same wrong labels."""
    random, n = np.random.default_rng(seed), len(truth)
    wrong = random.permutation(n)[: round(WRONG * n)]
    y = truth.copy()
    y[wrong] = (y[wrong] + random.integers(1, k, len(wrong))) % k
    start, used, each = time.perf_counter(), time.process_time(), np.arange(n)
    with threadpool_limits(1):
        judged = judge(x, y, k)
        seconds, processor = time.perf_counter() - start, time.process_time() - used
        row = {"photos": n, "wrong": len(wrong), "zoo": auroc(judged.scores[each, y], wrong)}
        row |= {"zoo_one_head": auroc(judged.probabilities[each, y], wrong)}
        version, scores = cleanlab(options.cleanlab, out_of_fold(x, y, k, judged.head.strength), y)
        row |= {f"cleanlab_{method}": auroc(np.array(score), wrong) for method, score in scores.items()}
        row |= {"seconds": round(seconds, 2), "processor_seconds": round(processor, 2), "cleanlab": version}
        return row | really_left_out(x, y, k, random)


def auroc(score: np.ndarray, wrong: np.ndarray) -> float:
    """How often a wrong label has a lower score than a right one."""
    is_wrong = np.isin(np.arange(len(score)), wrong)
    low, high = score[is_wrong][:, None], score[~is_wrong]
    return round(float(np.mean((low < high) + (low == high) / 2)), 5)


def out_of_fold(x: np.ndarray, y: np.ndarray, k: int, strength: float) -> np.ndarray:
    """Probabilities by the heads of the folds, as the choice of the strength has them."""
    at, fold = Standardised.of(x), folds(y, np.arange(len(y)), 0)
    in_training = (fold[:, None] != np.arange(fold.max() + 1)).astype(float)
    solution = optimum(at.x, y, k, strength, in_training, at.spread, None, tolerance=1e-3)
    return softmax(held_out_outputs(at.x, solution, fold).astype(np.float64))


def cleanlab(python: str, p: np.ndarray, y: np.ndarray) -> tuple[str, dict[str, list[float]]]:
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, p=p, y=y)
        file.flush()
        answer = json.loads(subprocess.check_output([python, "-c", SCORE, file.name], text=True))
    return answer["version"], answer["scores"]


def really_left_out(x: np.ndarray, y: np.ndarray, k: int, random: np.random.Generator, count: int = 20) -> dict:
    """By how much the probabilities of photos that are really left out differ from those that the curvature gives."""
    head, at = fit_head(x, y, k, np.arange(len(y))), Standardised.of(x)
    left_out = LeaveOneOut(at.x, y, head(x.astype(np.float64)), head.strength)
    rows = np.sort(random.permutation(len(y))[:count])
    newton = left_out.probabilities[rows]
    left_out.refine(rows)
    expected = []
    for row in rows:
        rest = np.arange(len(y)) != row
        part = Standardised.of(x[rest])
        again = solve_head(part, y[rest], k, head.strength, part.solution(head), tolerance=1e-7)
        expected.append(softmax(again(x[row].astype(np.float64))))
    one, exact = (
        np.abs(probabilities - expected).max(axis=1) for probabilities in (newton, left_out.probabilities[rows])
    )
    return {
        "strength": head.strength,
        "left_out": count,
        "newton_median": f"{np.median(one):.1e}",
        "newton_most": f"{one.max():.1e}",
        "exact_most": f"{exact.max():.1e}",
    }


if __name__ == "__main__":
    main()
