"""Drawings of one's own: gathered, divided, and what is said of those that are left out."""

import json

import numpy as np
import pytest

import sketchrnn
from sketchrnn.cli import main
from sketchrnn.formats.npz import read_splits
from sketchrnn.train import data, dataset


def drawn(count, seed=1, name="pig"):
    return sketchrnn.load(name).draw(count, seed=seed, temperature=0.5, max_len=120)


def splits(path):
    found = {split: [] for split in ("train", "valid", "test")}
    for split, _, rows in read_splits(str(path)):
        found[split].append(rows)
    return found


def test_a_folder_of_everything(tmp_path, capsys):
    pytest.importorskip("svgpathtools")
    source = tmp_path / "in" / "deep"
    source.mkdir(parents=True)
    some = drawn(8)
    some[:3].save(source / "a.ndjson")
    some[3:5].save(source / "b.json")
    some[3:4].save(source / "again.json")
    (source / "c.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9000 9000">'
        '<circle cx="4000" cy="4000" r="3000"/><text>x</text><path d="M9 9L8000 10"/></svg>'
    )
    (source / "empty.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (source / "broken.svg").write_text("<svg")
    (source / "nowhere.json").symlink_to("nothing")
    (source / "notes.txt").write_text("not for us")
    long = np.tile(np.array([[200, 1, 0], [-200, 1, 0]], float), (150, 1))
    sketchrnn.Sketch(long).save(source / "long.json")
    out, report = tmp_path / "mine.npz", tmp_path / "why.json"
    assert main(["dataset", str(tmp_path / "in"), "-o", str(out), "--report", str(report)]) == 0
    said = capsys.readouterr().out
    fates = json.loads(report.read_text())
    assert sum(entry["used"] for entry in fates) == 6
    assert f"{out}: 6 of 11 drawings (4 train, 1 valid, 1 test)" in said
    for reason in (
        *(
            "1 the same as another",
            "1 nothing drawn",
            "1 cannot be read: not",
            "1 cannot be read: no such file",
            "not drawn in 1 files",
        ),
        "1 of 200 points and more (--max-len, --simplify)",
    ):
        assert reason in said
    assert f"{source / 'long.json'}: 0: of 200 points" in said
    assert "not read: 1 files of kinds without drawings: .txt" in said
    for rows in (rows for part in splits(out).values() for rows in part):
        size = np.ptp(np.vstack([[0, 0], np.cumsum(rows[:, :2], axis=0)]), axis=0).max()
        assert abs(size - 255) <= 1
    # Sketches read it, and the command scores it.
    assert len(sketchrnn.read(out)) == 6
    # One more drawing moves no other from one part to another but where parts grow.
    again = tmp_path / "again.npz"
    assert main(["dataset", str(tmp_path / "in"), "-o", str(again)]) == 0
    for split, part in splits(out).items():
        assert [r.tolist() for r in part] == [r.tolist() for r in splits(again)[split]]


def test_very_many_strokes_are_not_ordered(tmp_path, monkeypatch, capsys):
    """Each has a point, so that the drawing is too long; 100,000 take hours to order."""
    lines = [[[i, i], [0, 5]] for i in range(201)]
    (tmp_path / "a.ndjson").write_text(json.dumps({"drawing": lines}))
    monkeypatch.setattr(dataset, "ordered", None)
    command = ["dataset", str(tmp_path), "-o", str(tmp_path / "o.npz"), "--order", "nearest"]
    assert main(command) == 1
    assert "no drawing can be used: 1 of 200 points and more" in capsys.readouterr().err


def test_offsets_beyond_integers(tmp_path, capsys):
    far = [[[0, x, x + 5], [0, 5, 9]] for x in (40_000, 3e9, 1e12)]
    lines = "".join(json.dumps({"drawing": [line]}) + "\n" for line in far)
    (tmp_path / "a.ndjson").write_text(lines)
    out = str(tmp_path / "o.npz")
    assert main(["dataset", str(tmp_path), "-o", out, "--keep-scale", "--simplify", "0"]) == 1
    expected = "3 unusable: expected offsets that fit into 16 bits"
    assert expected in capsys.readouterr().err


def test_options_and_refusals(tmp_path, capsys):
    drawn(6).save(tmp_path / "a.json")
    source, out = str(tmp_path / "a.json"), str(tmp_path / "o.npz")
    wrong = {
        "-o: expected a name ending in .npz": [source, "-o", str(tmp_path / "o.txt")],
        "there is no folder": [source, "-o", str(tmp_path / "no" / "o.npz")],
        "--valid: expected a share": [source, "-o", out, "--valid", "0.7"],
        "no such file": [str(tmp_path / "none.json"), "-o", out],
        "no such file or folder: none": ["none", source, "-o", out],
        "no drawing can be used: 6 of another name than duck": [
            source,
            "-o",
            out,
            "--name",
            "duck",
        ],
    }
    for message, words in wrong.items():
        assert main(["dataset", *words]) == 1
        assert message in capsys.readouterr().err
    assert main(["dataset", source, "-o", out, "--valid", "0", "--test", "0", "--name", "Pig"]) == 0
    assert {k: len(v) for k, v in splits(out).items()} == {"train": 6, "valid": 0, "test": 0}
    whole = len(np.concatenate(splits(out)["train"]))
    assert main(["dataset", source, "-o", out, "--simplify", "12"]) == 0
    assert sum(len(r) for part in splits(out).values() for r in part) <= whole


def test_order_of_strokes():
    strokes = [
        np.array(s, float) for s in ([[0, 0], [9, 0]], [[50, 0], [50, 9]], [[20, 0], [10, 0]])
    ]
    nearest = dataset.ordered(strokes, "nearest")
    assert [line[0].tolist() for line in nearest] == [[0, 0], [10, 0], [50, 0]]
    longest = dataset.ordered([strokes[1], strokes[2]], "longest")
    assert [line[0].tolist() for line in longest] == [[20, 0], [50, 0]]
    assert dataset.ordered(strokes, "kept") == strokes


def test_programs_number_their_drawings_from_0(tmp_path):
    """Two files of ten were ten drawings: every program's first has the key 0."""
    drawn(10, 1).save(tmp_path / "a.ndjson")
    drawn(10, 2).save(tmp_path / "b.ndjson")
    paths = [tmp_path / "a.ndjson", tmp_path / "b.ndjson"]
    assert len(data.read(paths)) == 20
    from collections import Counter

    said = Counter()
    assert len(data.read([*paths, paths[0]], said)) == 20
    assert said == {"the same as another": 10}


def test_training_names_what_a_data_set_is_for(tmp_path):
    (tmp_path / "svgs").mkdir()
    with pytest.raises(ValueError, match="is a folder: make a data set of it by sketchrnn dataset"):
        data.read([tmp_path / "svgs"])
    with pytest.raises(ValueError, match="make a data set of it by sketchrnn dataset"):
        data.read([tmp_path / "a.svg"])
