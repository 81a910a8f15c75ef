"""Audit: leave-one-out and influence against fitting again, suspects, what to label next."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

import zoo
from zoo.errors import ZooError
from zoo.transfer import influence as mathematics
from zoo.transfer import label_quality
from zoo.transfer.head import Standardised, solve_head
from zoo.transfer.influence import LeaveOneOut, influence, softmax
from zoo.transfer.label_quality import judge, order_to_label

WRONG = 3  # photos of stripes among the dots


def clouds(n, d, k, wrong=0.1, noise=0.3, seed=0):
    """Overlapping clouds, some with a wrong label; features, labels, and which are wrong."""
    random = np.random.default_rng(seed)
    truth = np.arange(n) % k
    x = random.normal(size=(k, d))[truth] * (np.arange(d) < 8) + noise * random.normal(size=(n, d))
    flipped = random.permutation(n)[: int(wrong * n)]
    y = truth.copy()
    y[flipped] = (y[flipped] + random.integers(1, k, len(flipped))) % k
    return (5 + 3 * x).astype(np.float32), y, np.isin(np.arange(n), flipped)


def fitted_again(x, y, k, strength, row, tolerance=1e-8):
    """The head without an example, by the solver that all heads come from."""
    rest = np.arange(len(y)) != row
    return solve_head(Standardised.of(x[rest]), y[rest], k, strength, tolerance=tolerance)


CASES = [(120, 8, 3, 1e-1), (120, 8, 3, 1e-3), (80, 200, 4, 1e-3), (80, 200, 2, 1e-2), (60, 30, 12, 1e-3)]


@pytest.mark.parametrize(("n", "d", "k", "strength"), CASES)
def test_leave_one_out_is_what_fitting_again_gives(n, d, k, strength):
    x, y, _ = clouds(n, d, k)
    at = Standardised.of(x)
    head = solve_head(at, y, k, strength, tolerance=1e-8)
    left_out = LeaveOneOut(at.x, y, head(x.astype(np.float64)), strength)
    rows = np.arange(0, n, n // 12)
    expected = np.array([softmax(fitted_again(x, y, k, strength, row)(x[row].astype(float))) for row in rows])
    assert np.abs(expected - softmax(head(x[rows].astype(float)))).max() > 0.005  # it makes a difference
    assert np.abs(left_out.probabilities[rows] - expected).max() < 0.05  # one Newton step
    left_out.refine(rows)
    assert np.abs(left_out.probabilities[rows] - expected).max() < 1e-5


def test_leave_one_out_with_less_than_all_curvature(monkeypatch):
    """The steps reach the optimum all the same, and the biases are held though nothing of their curvature is kept."""
    monkeypatch.setattr(mathematics, "FEW", 20)
    for strength, least in ((1e-3, 0.2), (1e-1, 1e9)):
        monkeypatch.setattr(mathematics, "LEAST", least)
        x, y, _ = clouds(120, 60, 3)
        at = Standardised.of(x)
        logits = solve_head(at, y, 3, strength, tolerance=1e-8)(x.astype(np.float64))
        left_out = LeaveOneOut(at.x, y, logits, strength)
        assert len(left_out.curvature.of) < 240
        rows = np.arange(0, 120, 10)
        expected = np.array([softmax(fitted_again(x, y, 3, strength, row)(x[row].astype(float))) for row in rows])
        assert np.abs(left_out.probabilities[rows] - expected).max() < 0.1
        left_out.refine(rows)
        assert np.abs(left_out.probabilities[rows] - expected).max() < 1e-4


def test_leave_one_out_looks_at_the_likely_classes_alone(monkeypatch):
    monkeypatch.setattr(mathematics, "CLASSES", 4)
    x, y, _ = clouds(120, 60, 12)
    at = Standardised.of(x)
    logits = solve_head(at, y, 12, 1e-3, tolerance=1e-8)(x.astype(np.float64))
    left_out = LeaveOneOut(at.x, y, logits, 1e-3)
    rows = np.arange(0, 120, 15)
    left_out.refine(rows)
    expected = np.array([softmax(fitted_again(x, y, 12, 1e-3, row)(x[row].astype(float))) for row in rows])
    assert np.abs(left_out.probabilities[rows] - expected).max() < 1e-4


@pytest.mark.parametrize(("n", "d", "k", "strength"), [(90, 10, 3, 1e-2), (60, 120, 2, 1e-3)])
def test_influence_is_the_change_that_fitting_again_makes(n, d, k, strength, monkeypatch):
    x, y, _ = clouds(n, d, k)
    new = clouds(4, d, k, seed=1)[0][3]
    at = Standardised.of(x)
    head = solve_head(at, y, k, strength, tolerance=1e-8)
    influences = influence(at.x, y, head(x.astype(float)), strength, at(new[None])[0], (0, 1))
    with_it = head(new.astype(float))
    without = np.array([fitted_again(x, y, k, strength, row)(new.astype(float)) for row in range(n)])
    expected = (with_it[0] - with_it[1]) - (without[:, 0] - without[:, 1])
    assert np.corrcoef(influences, expected)[0, 1] > 0.99
    strongest = np.argsort(-np.abs(expected))[:5]
    assert influences[strongest] == pytest.approx(expected[strongest], rel=0.25)
    monkeypatch.setattr(mathematics, "EXAMPLES", 10)  # above, without the example's own part in the curvature
    influences = influence(at.x, y, head(x.astype(float)), strength, at(new[None])[0], (0, 1))
    assert np.corrcoef(influences, expected)[0, 1] > 0.85


def test_wrong_labels_are_found():
    x, y, wrong = clouds(300, 40, 4)
    judged = judge(x, y, 4)
    scores = judged.scores[np.arange(300), y]
    assert judged.method == "leave-one-out" and roc_auc_score(wrong, -scores) > 0.97
    assert np.mean(judged.scores.argmax(axis=1) != y) < 0.2


def test_folds_take_the_place_of_leave_one_out_where_there_are_too_many(monkeypatch):
    x, y, wrong = clouds(300, 40, 4)
    single = judge(x, y, 4)
    monkeypatch.setattr(label_quality, "EXAMPLES", 100)
    judged = judge(x, y, 4)
    assert judged.method == "5 folds" and np.abs(judged.probabilities - single.probabilities).mean() < 0.1
    assert roc_auc_score(wrong, -judged.scores[np.arange(300), y]) > 0.95


def test_a_class_of_which_every_label_is_doubted_stays():
    x, y, _ = clouds(40, 5, 2, wrong=0)
    y[:2] = 2  # two that look like the others
    judged = judge(x, y, 3)
    assert judged.scores.shape == (40, 3) and np.isfinite(judged.scores).all()


def test_what_to_label_next_is_uncertain_and_no_twin():
    labelled = np.array([[0.0, 0], [10, 0]])
    unlabelled = np.array([[5.0, 0], [5.01, 0], [5, 8], [0, 0], [8, 3]])
    p = np.array([[0.5, 0.5], [0.52, 0.48], [0.55, 0.45], [0.5, 0.5], [0.9, 0.1]])
    order, margin, distance = order_to_label(labelled, unlabelled, p)
    assert order[:3].tolist() == [0, 2, 4] and {*order[3:].tolist()} == {1, 3}
    assert margin == pytest.approx([0, 0.04, 0.1, 0, 0.8]) and distance[3] == 0


@pytest.fixture(scope="module")
def mixed(tuned, tmp_path_factory):
    """The photos of `tuned`, three of them with the wrong label."""
    folder = tmp_path_factory.mktemp("mixed") / "photos"
    shutil.copytree(tuned.photos / "train", folder)
    for number in range(WRONG):
        shutil.move(folder / "stripes" / f"{number}.jpg", folder / "dots" / f"wrong{number}.jpg")
    return folder


def test_audit_names_wrong_labels_worst_first(mixed, run):
    report = zoo.audit(mixed)
    assert {Path(photo.path).name for photo in report.suspects[:WRONG]} == {f"wrong{n}.jpg" for n in range(WRONG)}
    assert all(photo.label == "dots" and photo.likelier == "stripes" for photo in report.suspects[:WRONG])
    scores = [photo.score for photo in report.ranking]
    assert scores == sorted(scores) and len(report.ranking) == 25 and len(report.skipped) == 1
    code, out, err = run("audit", mixed, "--json")
    answer = json.loads(out)
    assert code == 0 and "broken.jpg" in err and answer["photos"] == 25 and answer["method"] == "leave-one-out"
    assert answer["suspects"] == [photo.to_json() for photo in report.suspects]
    code, out, _ = run("audit", mixed, "--top", 2)
    assert code == 0 and "stripes" in out and len(out.splitlines()) == 4


def test_a_second_copy_does_not_vouch_for_the_first(mixed, tmp_path):
    folder = shutil.copytree(mixed, tmp_path / "photos")
    for number in range(WRONG):
        shutil.copy(folder / "dots" / f"wrong{number}.jpg", folder / "dots" / f"again{number}.jpg")
    report = zoo.audit(folder)
    assert len(report.ranking) == 25 and len(report.suspects) >= WRONG


def test_why_a_photo_is_taken_for_its_class(tuned, mixed, run):
    report = zoo.audit(mixed)
    why = report.why(tuned.photos / "val" / "stripes" / "103.jpg")
    assert why.label == "stripes" and why.rather_than == "dots" and not why.left_out and why.margin > 0
    assert all(photo.influence > 0 for photo in why.in_favour()) and all(p.influence < 0 for p in why.against())
    assert any("wrong" in photo.path for photo in why.against(3))
    answer = report.why(mixed / "dots" / "wrong0.jpg")
    assert answer.left_out and answer.label == "stripes" and len(answer.influences) == 24
    code, out, _ = run("audit", mixed, "--why", mixed / "dots" / "wrong0.jpg", "--top", 3, "--json")
    answer = json.loads(out)
    assert code == 0 and answer["left_out"] and len(answer["for"]) == 3 and answer["label"] == "stripes"
    code, out, _ = run("audit", mixed, "--why", mixed / "dots" / "wrong0.jpg")
    assert code == 0 and "never saw it" in out


def test_which_photos_to_label_next(tuned, mixed, run, tmp_path):
    more = shutil.copytree(tuned.photos / "val" / "dots", tmp_path / "more")
    shutil.copy(mixed / "dots" / "wrong0.jpg", more / "known.jpg")
    (more / "damaged.jpg").write_bytes(b"nothing")
    report = zoo.audit(mixed)
    candidates = report.to_label(more)  # one of the ten lies among the audited photos, too
    assert len(candidates) == 9 and candidates[0].score == max(photo.score for photo in candidates)
    code, out, err = run("audit", mixed, "--unlabelled", more, "--json")
    assert code == 0 and json.loads(out) == [photo.to_json() for photo in candidates] and "damaged.jpg" in err
    assert run("audit", mixed, "--unlabelled", more)[0] == 0


def test_bad_input(mixed, run, tmp_path):
    (tmp_path / "one" / "dots").mkdir(parents=True)
    for number in range(3):
        shutil.copy(mixed / "dots" / f"{number + 5}.jpg", tmp_path / "one" / "dots")
    for words, message in (
        (("audit", tmp_path / "one"), "two classes or more"),
        (("audit", mixed, "--why", mixed / "dots" / "broken.jpg"), "truncated"),
        (("audit", mixed, "--why", "absent.jpg"), "absent.jpg"),
        (("audit", mixed, "--why", "a.jpg", "--unlabelled", "b"), "leave out one of the two"),
        (("audit", mixed, "--backbone", "resnet"), "no backbone is called"),
        (("audit", "nowhere"), "nowhere"),
        (("audit", mixed, "--unlabelled", tmp_path / "empty"), "empty"),
    ):
        (tmp_path / "empty").mkdir(exist_ok=True)
        code, _, err = run(*words)
        assert code in (1, 2) and message in err, (words, err)
    with pytest.raises(ZooError, match="two classes or more, each with 2 examples"):
        zoo.audit((np.zeros((3, 8, 8, 3), np.uint8), ["a", "a", "b"]))
