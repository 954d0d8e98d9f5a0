"""The verdict on a model."""

import pytest

from keras_artkd.measure.verdict import int8_concern, judge, with_int8_concern


def measured(confusion, **more):
    """Metrics of a test with this confusion matrix."""
    counts = [sum(row) for row in confusion]
    right = sum(row[i] for i, row in enumerate(confusion))
    return {
        "parameters": 1000,
        "epochs": 8,
        "best_epoch": 5,
        "test": {
            "accuracy": right / sum(counts),
            "num_examples": sum(counts),
            "confusion_matrix": confusion,
            "per_class": [
                {"name": f"class{i}", "count": count}
                for i, count in enumerate(counts)
            ],
        },
        **more,
    }


GOOD = [[40, 5, 5], [5, 40, 5], [5, 5, 40]]
HISTORY = {"val_accuracy": [0.3, 0.5, 0.6, 0.7, 0.8, 0.8, 0.8, 0.8]}


def concerns(verdict):
    return [concern["what"] for concern in verdict["concerns"]]


def test_what_images_without_labels_were_for():
    known = {"images": 1000, "used": 940, "strange": 60}
    verdict = judge(measured(GOOD, pseudo_labels=known), HISTORY, 300)
    assert verdict["summary"].endswith(
        "Besides the labels it learned what its expert says of 940 of 1,000 "
        "images without labels; 60 were left out as unlike the labelled ones."
    )
    assert not verdict["concerns"]
    known = {"images": 201, "used": 193, "strange": 0, "corrected": 4}
    verdict = judge(measured(GOOD, pseudo_labels=known), HISTORY, 300)
    assert verdict["summary"].endswith(
        "it learned what its expert says of 189 and what a person says of 4 of "
        "201 images without labels."
    )
    # Runs of older versions left none out.
    for old in (
        {"images": 9, "used": 9},
        {"images": 9, "used": 9, "strange": 0},
    ):
        verdict = judge(measured(GOOD, pseudo_labels=old), HISTORY, 300)
        assert verdict["summary"].endswith("of 9 of 9 images without labels.")
    known = {"images": 1000, "used": 480, "strange": 520}
    verdict = judge(measured(GOOD, pseudo_labels=known), HISTORY, 300)
    assert concerns(verdict) == [
        "520 of 1,000 images without labels were left out as unlike the "
        "labelled ones."
    ]
    # A training that reads no label takes them as they are.
    verdict = judge(measured(GOOD, unlabelled_images=1082), HISTORY, 300)
    assert verdict["summary"].endswith(
        "better than guessing by 46.7 points. It learned from 1,082 "
        "images without labels, too."
    )


def test_a_good_student_beside_its_expert():
    expert = {
        **measured([[44, 3, 3], [3, 44, 3], [3, 3, 44]], parameters=13_000),
        "frozen_head": {"test_accuracy": 0.7},
    }
    verdict = judge(measured(GOOD), HISTORY, 300, expert)
    assert verdict["useful"] and not verdict["concerns"]
    assert verdict["compared"] == pytest.approx(
        {
            "student": 0.8,
            "chance": 1 / 3,
            "commonest_class": 1 / 3,
            "expert": 0.88,
            "frozen_head": 0.7,
        }
    )
    assert verdict["summary"] == (
        "80.0% of the 150 test images right (95%: 72.9% to 85.6%): better than "
        "guessing by 46.7 points; "
        "8 points below its expert, at 1/13 of its parameters; 10 points above "
        "a classifier on frozen features."
    )


def test_an_expert_that_is_clearly_better_can_be_delivered():
    better = measured([[50, 0, 0], [0, 48, 2], [0, 2, 48]], parameters=13_000)
    (concern,) = judge(measured(GOOD), HISTORY, 300, better, "runs/its expert")[
        "concerns"
    ]
    assert concern == {
        "what": "Its expert is right about more, by 17.3 points.",
        "next": "artkd export 'runs/its expert' --quantize int8, if about 1 MB "
        "is small enough",
    }
    # One that has no run, and one that is better by chance.
    assert not judge(measured(GOOD), HISTORY, 300, better)["concerns"]
    little = measured([[42, 4, 4], [4, 42, 4], [4, 4, 42]])
    assert not judge(measured(GOOD), HISTORY, 300, little, "runs/e")["concerns"]


def test_an_expert_that_is_the_frozen_classifier_is_named_once():
    expert = {
        **measured([[48, 1, 1], [1, 48, 1], [1, 1, 48]], parameters=13_000),
        "frozen_head": {"test_accuracy": 0.96},
    }
    alone = judge(measured(GOOD), HISTORY, 300, {**expert, "train": "head"})
    assert alone["summary"].endswith(
        "16 points below its expert, a classifier on frozen features, at 1/13 "
        "of its parameters."
    )
    # One that was trained, and is right about as many.
    summary = judge(measured(GOOD), HISTORY, 300, expert)["summary"]
    assert summary.endswith(
        "16 points below its expert, at 1/13 of its parameters; 16 points "
        "below a classifier on frozen features."
    )


def test_differences_of_a_few_images_are_chance():
    expert = measured([[42, 4, 4], [4, 42, 4], [4, 4, 42]], parameters=13_000)
    summary = judge(measured(GOOD), HISTORY, 300, expert)["summary"]
    assert summary.endswith(
        "4 points below its expert (which 150 images cannot tell from chance), "
        "at 1/13 of its parameters."
    )
    summary = judge(measured(GOOD), HISTORY, 300, measured(GOOD))["summary"]
    assert summary.endswith("as good as its expert.")


def test_a_handful_of_test_images():
    few = measured([[8, 1, 0], [0, 9, 0], [0, 0, 9]])
    (concern,) = judge(few, HISTORY, 300)["concerns"]
    assert concern["what"].startswith("Only 27 images test it, of which each")
    assert concern["what"].endswith("is 3.7 points.")
    assert "--folds 5" in concern["next"]
    # These tested every image.
    (concern,) = judge(few | {"folds": []}, HISTORY, 300)["concerns"]
    assert concern["next"] == "more images"


def test_no_better_than_guessing():
    """Nor than the commonest class, whatever chance is."""
    for confusion in (
        [[10, 10, 10], [10, 10, 10], [10, 10, 10]],
        [[80, 0, 0], [9, 1, 0], [10, 0, 0]],
    ):
        verdict = judge(measured(confusion), HISTORY, 300)
        assert not verdict["useful"]
        assert "NOT better than always answering" in verdict["summary"]
        assert "do not use it" in concerns(verdict)[0]
        assert "artkd doctor" in verdict["concerns"][0]["next"]


def test_one_answer():
    verdict = judge(measured([[50, 0], [40, 10]]), HISTORY, 300)
    assert concerns(verdict) == ["It answers class0 to 90% of the images."]


def test_worse_than_the_teacher_beside_it():
    metrics = measured(GOOD, initial={"test_accuracy": 0.9})
    verdict = judge(metrics, HISTORY, 300)
    assert (
        "worse than the teacher trained beside it, by 10 points"
        in (concerns(verdict)[0])
    )
    for accuracy in (0.7, 0.81):  # Which is one image or two of 150 better.
        other = measured(GOOD, initial={"test_accuracy": accuracy})
        assert not judge(other, HISTORY, 300)["concerns"]


def test_a_handful_of_validation_images():
    (what,) = concerns(judge(measured(GOOD), HISTORY, 30))
    assert what.startswith("Only 30 validation images chose")


def test_still_improving():
    """By more than chance would, and at the last epoch."""
    rising = {"val_accuracy": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]}
    last = measured(GOOD, best_epoch=8)
    verdict = judge(last, rising, 300)
    assert concerns(verdict) == ["It was still improving at the last epoch."]
    assert verdict["concerns"][0]["next"].startswith("--epochs 16")
    assert not judge(measured(GOOD), rising, 300)["concerns"]
    # Nine images cannot tell.
    asked = measured(GOOD, best_epoch=8, epoch_chosen_by="latest")
    ended = {"val_accuracy": [0.5, 0.6, 0.7, 0.8, 0.89, 0.89, 0.89, 1.0]}
    assert not judge(asked, ended, 9)["concerns"]
    assert len(judge(asked, rising, 60)["concerns"]) == 1
    flat = {"val_accuracy": [0.7, 0.7, 0.7, 0.7, 0.71, 0.71, 0.72, 0.73]}
    assert not judge(last, flat, 300)["concerns"]


def test_an_int8_file_that_loses_more_than_a_point():
    def report(drop, **more):
        return {"quantize": "int8", "judged": {"accuracy_drop": drop}, **more}

    assert int8_concern(report(0.85 - 0.84), "RUN") is None
    assert int8_concern(report(0.2) | {"quantize": "none"}, "RUN") is None
    # The file of all folds.
    assert int8_concern({"quantize": "int8"}, "RUN") is None
    concern = int8_concern(report(0.023), "a run")
    assert concern["what"].endswith("in floats, by 2.3 points.")
    assert concern["next"].startswith("artkd export 'a run' --fine-tune 5,")
    by_chance = {"accuracy_drop": 0.023, "accuracy_drop_interval": [0.0, 0.07]}
    assert int8_concern(report(0) | {"judged": by_chance}, "RUN") is None
    certain = {"accuracy_drop": 0.023, "accuracy_drop_interval": [0.01, 0.04]}
    assert int8_concern(report(0) | {"judged": certain}, "RUN") == concern | {
        "next": concern["next"].replace("'a run'", "RUN")
    }
    onnx = int8_concern(report(0.023, format="onnx"), "RUN")
    assert "RUN --format onnx --fine-tune 5," in onnx["next"]
    again = int8_concern(report(0.023, fine_tuned=5), "a run")
    assert "--quantize float16" in again["next"]
    others = [{"what": "It was still improving.", "next": "--epochs 2"}]
    verdict = {"useful": True, "concerns": [*others, concern]}
    told = with_int8_concern(verdict, report(0.03), "RUN")
    assert told["useful"] and told["concerns"][:1] == others
    assert len(told["concerns"]) == 2
    assert "3 points" in told["concerns"][1]["what"]
    told = with_int8_concern(verdict, report(0.0), "RUN")
    assert told["concerns"] == others
