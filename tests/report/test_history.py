import numpy as np

from hf_dynsel.report.history import curve, diagnostics, metric_names

LOG = [
    {"epoch": 0.0, "selection/epoch": 0.0, "selection/alpha": 0.9, "selection/size": 30.0},
    {"epoch": 0.5, "loss": 2.0, "learning_rate": 0.1},
    {
        "epoch": 1.0,
        "eval_loss": 1.5,
        "eval_accuracy": 0.7,
        "eval_runtime": 3.0,
        "eval_matrix": [1, 2],
    },
    {"epoch": 1.0, "selection/epoch": 1.0, "selection/alpha": 0.5, "selection/class_share/0": 0.2},
    {"epoch": 1.0, "selection/epoch": 1.0, "selection/alpha": 0.4},
    {"epoch": 1.5, "loss": 1.0},
    {"train_runtime": 12.0},
]


def test_a_curve_has_the_points_logged_under_its_name() -> None:
    loss = curve(LOG, "loss")
    assert (loss.epochs.tolist(), loss.values.tolist()) == ([0.5, 1.5], [2.0, 1.0])


def test_a_name_never_logged_is_an_empty_curve() -> None:
    assert len(curve(LOG, "eval_f1").values) == 0


def test_losses_timings_and_lists_are_no_metrics() -> None:
    assert metric_names(LOG) == ["accuracy"]


def test_an_epoch_reported_twice_counts_as_reported_last() -> None:
    reported = diagnostics(LOG, 3)
    assert list(reported) == ["alpha"]
    np.testing.assert_array_equal(reported["alpha"], [0.9, 0.4, np.nan])
