"""`artkd study`: the list, and what it rejects before any run."""

import pytest

from keras_artkd.cli.study import main

KEY = "000/4.13"


def test_the_list(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert "000/4.13" in printed and "looked up" in printed
    assert main(["000/4.3"]) == 0
    assert "| learning_rate | 0.01 | 0.01 |" in capsys.readouterr().out


def test_the_cells_of_a_study(capsys):
    """And how much there is to train, also where the data are elsewhere."""
    assert main(["000/parts", "--recipe", "atelier", "--list-cells"]) == 0
    printed = capsys.readouterr().out
    assert "| only AWGram | method baseline, head awgram |" in printed
    assert "36 runs, 1080 epochs in all; 3 experts, 90 epochs. 0 of" in printed
    words = ["002/4.8", "--list-cells", "--method-options", "skdsam.weight"]
    assert main([*words, "2", "--cells", "SKDSAM*", "--rates", "1", "2"]) == 0
    printed = capsys.readouterr().out
    # With what they are compared with; of each two rates and two other seeds.
    assert "12 runs, 288 epochs in all. 0 of" in printed
    assert "| SKDSAM |" in printed and "| FRSKD |" not in printed
    assert "skdsam.weight 2; seeds 0, 1, 2" in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["000/4.131"], "Perhaps you meant 000/4.13"),
        (["000/4.3", "--seeds", "2"], "looked up, not trained"),
        ([KEY, "--method", "kd"], "have their own. Received: --method"),
        ([KEY, "--head", "pool"], "have their own. Received: --head"),
        ([KEY, "--recipe", "attic"], "`recipe` must be one of"),
        ([KEY, "--budget", "huge"], "`budget` must be one of"),
        ([KEY, "--rates", "0.1", "0.1"], "`rates` must be positive"),
        ([KEY, "--rates", "1", "--learning-rate", "2"], "leave out one of"),
        (["001/3", "--expert", "x.keras"], "have their own expert or augm"),
        (["000/awgram", "--expert", "x.keras"], "be compared. Received: --exp"),
        (["002/4.17", "--augment", "cutout"], "be compared. Received: --aug"),
        ([KEY, "--seeds", "0"], "`seeds` must be at least 1"),
        ([KEY, "--workers", "0"], "`workers` must be at least 1"),
        ([KEY, "--cells", "nothing"], "must match cells of 000/4.13"),
        ([KEY, "--method-options", "kd.foo", "1"], "Method 'kd' has"),
        ([KEY, "--seed", "x"], "--seed"),
        ([KEY], "`data_dir`"),
        ([KEY, "no.npz"], "which does not exist"),
        ([KEY, "--recipe", "npz", "--data-dir", "no"], "which does not exist"),
        ([KEY, "--expert", "no.keras"], "no.keras, which is not there"),
    ],
)
def test_mistakes(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Before TensorFlow is imported.
    monkeypatch.delattr("keras_artkd.cli.study.import_tensorflow")
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("error: ")
    assert error.count("\n") == 1
    assert not [*tmp_path.iterdir()]
