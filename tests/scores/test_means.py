"""EL2N, GraNd, Entropy, Margin and AUM: means of a signal, with the sign that says what to keep."""

import numpy as np
import pytest

from hf_dynsel.core import Feedback
from hf_dynsel.scores.aum import AUM
from hf_dynsel.scores.el2n import EL2N
from hf_dynsel.scores.entropy import Entropy
from hf_dynsel.scores.grand import GraNd
from hf_dynsel.scores.margin import Margin
from score_kit import finished, look


@pytest.mark.parametrize("score", [EL2N(), GraNd(), GraNd(exact=True)])
def test_the_mean_over_looks_is_taken(score):
    (signal,) = score.look_signals()
    looks = [look(e, **{signal: np.array([1.0, e])}) for e in (1, 2, 6)]
    assert finished(score, 2, looks).tolist() == [1, 3]


def test_the_exact_gradient_is_another_signal():
    assert GraNd().look_signals() == {"grand"}
    assert GraNd(exact=True).look_signals() == {"grand_exact"}


def test_the_most_uncertain_sample_is_kept_by_entropy():
    """E21: entropies .524267, ln 3 and .274313; kept the other way round, row 2 would be first."""
    entropies = np.array([0.524267, 1.098612, 0.274313])
    values = finished(Entropy(), 3, [look(5, entropy=entropies)])
    assert values.tolist() == entropies.tolist()
    assert values.argmax() == 1
    assert Entropy().looks(5) == (5,)


def test_the_most_uncertain_sample_is_kept_by_margin():
    """E19's probabilities: ahead by .729600, 0 and .889627."""
    gaps = np.array([0.729600, 0.0, 0.889627])
    values = finished(Margin(), 3, [look(5, gap=gaps)])
    assert values.tolist() == (-gaps).tolist()
    assert values.argmax() == 1


def test_the_area_under_the_margin_is_turned_and_over_all_presentations():
    """Margins 2, 4 and -1, -3, -5: the second sample, always wrong, is the hard one."""
    reports = [
        Feedback(0, np.array([0, 1]), {"margin": np.array([2.0, -1.0])}),
        Feedback(1, np.array([1]), {"margin": np.array([-3.0])}),
        Feedback(2, np.array([0, 1]), {"margin": np.array([4.0, -5.0])}),
    ]
    assert finished(AUM(), 2, reports).tolist() == [-3, 3]
