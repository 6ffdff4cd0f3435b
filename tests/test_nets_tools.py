"""tools/nets: what makes the corpus, and what measures nets, on drawings made here."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sketchrnn.train import data  # noqa: E402

TOOLS = Path(__file__).parent.parent / "tools" / "nets"
torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="module")
def _path() -> Iterator[None]:
    sys.path.insert(0, str(TOOLS))
    yield
    sys.path.remove(str(TOOLS))


def strokes(seed: int, count: int = 4, points: int = 30, size: float = 300.0) -> list[np.ndarray]:
    """Arcs of ellipses, in pixels of a screen."""
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 4, points)[:, None] + [0.0, np.pi / 2]
    return [
        rng.uniform(0, size, 2) + size / 4 * np.sin(t + rng.uniform(0, 6)) * rng.uniform(0.5, 1, 2)
        for _ in range(count)
    ]


def drawing(lines: list[np.ndarray], word: str = "a", key: str = "", **facts: str) -> data.Drawing:
    rows = data.to_rows(lines, resampled=True)
    key = key or data.content_key(word, rows)
    return data.Drawing(word, key, rows, data.split_of(key), facts)


def test_marks_survive_simplification() -> None:
    import corpus

    for seed in range(20):
        lines = strokes(seed)
        first = drawing(lines)
        again = drawing([np.rint(data.simplify(s, 2.0)) for s in lines])
        assert len(corpus.marks(first.rows)) == 4 * 6
        assert np.abs(corpus.marks(first.rows) - corpus.marks(again.rows)).max() < corpus.SAME
        other = drawing(strokes(seed + 100))
        assert np.abs(corpus.marks(first.rows) - corpus.marks(other.rows)).max() > corpus.SAME


def test_copies_are_found_in_any_form() -> None:
    import corpus

    lines = strokes(3)
    first = drawing(lines, key="17")
    twice = drawing([np.rint(data.simplify(s, 2.0)) for s in lines], src="x")
    some = [drawing(strokes(i), src="x") for i in range(40, 60)]
    assert not np.array_equal(first.rows[:, :2], twice.rows[:, :2])
    every = [first, *some, twice, drawing(lines, "b")]
    assert corpus.copies(every) == {21}
    kept, counts = corpus.cleaned(every)
    assert len(kept) == 22
    assert counts == {"a": {"read": 22, "copy": 1}, "b": {"read": 1}}


def test_scraps_are_left_out_of_the_source_that_has_too_many() -> None:
    import corpus

    whole = [drawing(strokes(i, 6), src="vlandham") for i in range(20)]
    scrap = [[np.array([[0.0, 0.0], [50.0, 40.0], [90.0, 10.0]])]]
    mine, other = drawing(*scrap, src="vlandham"), drawing(*scrap, src="slimwizard")
    assert corpus.unfinished([*whole, mine, other]) == {20}


def test_the_judge_learns_and_goes_on(tmp_path: Path) -> None:
    """Lines from corner to corner beside closed squares, by a few steps."""
    import judge
    import recognise

    square = np.array([[0.0, 0], [200, 0], [200, 200], [0, 200], [0, 0]])
    rng = np.random.default_rng(0)
    some = []
    for i in range(64):
        line = (square if i % 2 else square[[0, 2]]) + rng.normal(0, 8, (5 if i % 2 else 2, 2))
        some.append(drawing([line], "square" if i % 2 else "line"))
    path = tmp_path / "judge.ckpt"
    judge.fit(some, ["line", "square"], 2, path, batch=16)
    assert torch.load(path, weights_only=True)["epoch"] == 2
    net = judge.fit(some, ["line", "square"], 2, path, batch=16)  # nothing left to do
    found = judge.verdicts(net, [d.rows for d in some])
    np.testing.assert_allclose(np.exp(found).sum(1), 1.0, rtol=1e-5)
    pictures = np.stack([judge.raster(d.rows) for d in some])
    assert pictures.shape == (64, 40, 40)
    assert 0.0 <= pictures.min() < pictures.max() <= 1.0
    assert (recognise.nearest(pictures, pictures) < 1e-5).all()
    lines = recognise.nearest(pictures[::2], pictures[::2][:5])
    assert lines.mean() < recognise.nearest(pictures[::2], pictures[1::2]).mean()


def test_how_nets_end(tmp_path: Path) -> None:
    """A net that never ends, and one that ends at once."""
    import ends

    import sketchrnn
    from sketchrnn.train import export, model

    real = [np.array([[3.0, 4, 0], [1, 1, 1]], np.float32)] * 5
    torch.manual_seed(0)
    for end, share in ((-50.0, 0.0), (50.0, 1.0)):
        net = model.Net(4, 2)
        with torch.no_grad():
            net.bo[2] = end
        path = tmp_path / "n.safetensors"
        export.write(path, model.tensors(net), export.describe("a", 30.0, 12, {}), "F32")
        loaded = sketchrnn.load(path)
        found = ends.measure(loaded, real, 10)
        assert {c["ended"] for c in found.values()} == {share}
        assert found["0.3"]["length"] == pytest.approx((12 if share == 0.0 else 1) / 3)
        assert ends.cost(loaded, loaded, real) == pytest.approx(0.0, abs=1e-12)


def test_raw_drawings_of_an_object(tmp_path: Path) -> None:
    import ends

    path = tmp_path / "raw.ndjson"
    entry = {"word": "cat", "drawing": [[[0, 5, 10, 10], [0, 0, 0, 40], [1, 2, 3, 4]]]}
    lines = [entry, entry | {"word": "dog"}]
    path.write_text("".join(json.dumps(e) + "\n" for e in lines))
    (found,) = ends.raw_drawings(path, "cat")
    np.testing.assert_array_equal(found[:, :2].sum(0), [10, 40])


def test_the_family_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The common net, then an addition to it: what is stored draws, and says how it was made."""
    from dataclasses import replace

    import family
    import making
    import recipe

    import sketchrnn
    from sketchrnn.nets import addition, safetensors
    from sketchrnn.train import ending, model

    few = ending.Settings(
        rounds=1, steps=1, drawings=4, completions=2, own=20, checked=4, bfloat16=False
    )
    steps = {"steps": 4, "batch": 8, "every": 2, "warmup": 1, "bfloat16": False}
    monkeypatch.setattr(recipe, "UNITS", 8)
    monkeypatch.setattr(recipe, "MIXTURES", 2)
    monkeypatch.setattr(recipe, "RANK", 2)
    monkeypatch.setattr(recipe, "HEAD_RANK", 2)
    monkeypatch.setattr(recipe, "OBJECTS", ("cat", "dog"))
    monkeypatch.setattr(recipe, "COMMON", replace(recipe.COMMON, **steps))
    monkeypatch.setattr(recipe, "ADDITION", replace(recipe.ADDITION, **steps))
    monkeypatch.setattr(recipe, "FEWEST_STEPS", 1)
    monkeypatch.setattr(recipe, "COMMON_ENDING", few)
    monkeypatch.setattr(recipe, "ADDITION_ENDING", few)
    some = [drawing(strokes(i, 3), ("cat", "dog", "owl")[i % 3]) for i in range(120)]
    everything = tmp_path / "everything.safetensors"
    family.common(some, {"cat": {"read": 9, "copy": 2}, "dog": {"copy": 1}}, everything, None)
    net = sketchrnn.load(everything)
    assert net.objects == ("cat", "dog", "owl")
    record = json.loads(net.metadata["training"])
    assert record["steps"] == 4
    assert record["ending"]["rounds"] == 1
    assert set(record["losses"]) == {"valid", "test"}
    assert record["left_out"] == {"read": 9, "copy": 3}

    output = tmp_path / "dog.addition.safetensors"
    family.addition_to(everything, some, "dog", output)
    dog = sketchrnn.load(output)
    assert dog.name == "dog"
    assert len(dog.draw(3, temperature=0.5, seed=1)) == 3
    held = json.loads(dog.metadata["training"])["losses"]["valid"]["nats"]
    valid = [d.rows.astype(np.float32) for d in some if d.word == "dog" and d.split == "valid"]
    score = dog.score(valid)
    assert float((score.offset_nll + score.pen_nll).mean()) == pytest.approx(held, abs=1e-3)
    assert not list(tmp_path.glob("dog*.end.ckpt"))

    import judge
    import policy

    recognised = tmp_path / "recognised"
    words = ["cat", "dog", "owl"]
    monkeypatch.setattr(recipe, "POLICY", replace(few, rounds=2))
    policy.lessons(
        [output], some, {"dog": {"copy": 1}}, (judge.Judge(3, 16).eval(), words), recognised
    )
    shutil.copyfile(everything, recognised / everything.name)
    shown = sketchrnn.load(recognised / output.name)
    assert shown.name == "dog"
    record = json.loads(shown.metadata["training"])
    assert record["before_policy"]["valid"]["nats"] == held
    assert record["left_out"] == {"copy": 1}
    assert len(record["policy"]["sure"]) == 2
    assert {p.name for p in recognised.iterdir()} == {"everything.safetensors", output.name}

    # Nothing was needed: the same numbers, which would be rounded anew, and the record.
    monkeypatch.setattr(policy.Policy, "_stands", lambda *_: True)
    monkeypatch.setattr(recipe, "POLICY", replace(few, parts=(0.0,)))
    same = tmp_path / "same"
    policy.lessons([output], some, {}, (judge.Judge(3, 16).eval(), words), same)
    again = safetensors.read_header((same / output.name).read_bytes())
    assert json.loads(again["__metadata__"].pop("training"))["policy"]["part"] == 0.0
    header = safetensors.read_header(output.read_bytes())
    header["__metadata__"].pop("training")
    assert again == header
    size = max(v["data_offsets"][1] for k, v in header.items() if k != "__metadata__")
    assert (same / output.name).read_bytes()[-size:] == output.read_bytes()[-size:]

    import rules

    monkeypatch.setattr(rules, "FEW", 3)
    monkeypatch.setattr(rules, "OTHERS", 2)
    torch.manual_seed(0)
    asked = judge.Judge(3, 16).eval(), words
    said = judge.verdicts(asked[0], [d.rows for d in some])
    last = said.argmin(1) == [words.index(d.word) for d in some]
    assert rules.misfits(asked)(some) == set(np.flatnonzero(last))
    assert 0 < last.sum() < len(some)
    dogs = [replace(d, facts={"recognized": i > 20}) for i, d in enumerate(some) if d.word == "dog"]
    found = {"none": lambda _: {0}, "game": rules.unrecognised}
    base = addition.Base(everything.read_bytes(), "everything")
    table = rules.compared(base.arrays("dog"), net.scale_factor, dogs, found, 1)
    assert table["found"]["none"] == 1
    assert table["found"]["game"] == sum(not d.facts["recognized"] for d in dogs) > 0
    assert "none" not in table  # too few to tell
    lost = sum(not d.facts["recognized"] for d in dogs if d.split == "train")
    assert table["game"]["left out"] == lost
    assert table["game"]["all"] != table["nothing"]["all"]
    assert table["valid"]["clean"] <= table["valid"]["all"]

    import small

    monkeypatch.setattr(recipe, "SMALL", replace(recipe.SMALL, **steps))
    monkeypatch.setattr(recipe, "SMALL_ENDING", few)
    path = tmp_path / "dog-4.safetensors"
    parts = making.split([d for d in some if d.word == "dog"])
    teacher = small.Teacher(model.unfolded(dog.arrays()))
    told = small.small(dog, 4, parts, small.drawn(dog, 30), teacher, path)
    tiny = sketchrnn.load(path)
    assert (tiny.name, tiny.hidden_size, tiny.mixtures) == ("dog-4", 4, 2)
    assert tiny.info()["arrays"]["wh"]["dtype"] == "I8"
    assert told["teacher"]["valid"]["nats"] == pytest.approx(held, abs=1e-3)
    assert told["learnt_from"] > told["drawings"]["train"]
    assert [p.name for p in tmp_path.glob("dog-4*")] == [path.name]

    policy.lessons([path], some, {}, (judge.Judge(3, 16).eval(), words), recognised)
    shown = sketchrnn.load(recognised / path.name)
    assert (shown.name, shown.info()["arrays"]["wh"]["dtype"]) == ("dog-4", "I8")
    assert json.loads(shown.metadata["training"])["teacher"] == told["teacher"]


def test_the_policy_is_what_the_engine_draws_from() -> None:
    import policy

    from sketchrnn import Distribution

    rng = np.random.default_rng(0)
    z, scale = rng.normal(size=(6, 3 + 6 * 3)).astype(np.float32), 30.0
    rows = np.zeros((6, 5), np.float32)
    rows[:, :2] = rng.normal(0, 20, (6, 2))
    rows[np.arange(6), [2, 3, 4, 2, 3, 4]] = 1.0
    for t in (1.0, 0.3):
        tempered = z.copy()
        tempered[:, :6] /= t  # pen and π
        tempered[:, 12:18] += 0.5 * np.log(t)  # log σx, log σy
        wanted = [
            Distribution(d, scale).log_prob(row) + 2.0 * np.log(scale) * (1.0 - row[4])
            for d, row in zip(tempered, rows, strict=True)
        ]
        x = torch.from_numpy(rows.copy())
        x[:, :2] /= scale
        said = policy.log_policy(torch.from_numpy(z), x, torch.full((6,), t), 0.0)
        np.testing.assert_allclose(said, wanted, rtol=1e-4, atol=1e-4)


def test_a_policy_learns_what_is_rewarded(tmp_path: Path) -> None:
    """A classifier that likes ink: drawings get more of it, and they are held to what they were."""
    import judge
    import policy

    from sketchrnn.train import ending, export, model

    class Inky(judge.Judge):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            ink = 40.0 * (x.mean((1, 2, 3)) - 0.1)
            return torch.stack([ink, -ink], 1)

    torch.manual_seed(0)
    net = model.Net(8, 2)
    with torch.no_grad():
        net.bo[:3] = torch.tensor([1.0, -0.5, -0.5])
    some = [drawing(strokes(i, 2), key=str(i)) for i in range(60)]
    parts = {s: [d for d in some if d.split == s] for s in ("train", "valid", "test")}
    settings = ending.Settings(
        rounds=8, steps=8, drawings=4, completions=2, own=60, lr=0.05, anchor=0.1, bfloat16=False
    )
    rewards = policy.Rewards(drawings=((1.0, 60),), at=1.0, weight=2.0, too_long=0.0)
    lesson = policy.Policy(
        net, export.describe("a", 30.0, 40, {}), settings, parts, tmp_path / "x.ckpt",
        Inky(2, 16), 0, rewards,
    )  # fmt: skip
    told: list[dict] = []
    lesson.real = 2.0  # more than can be: all rounds
    lesson.go(told.append)
    assert np.mean(lesson.sure[-2:]) > lesson.sure[0] + 0.1
    assert 0.0 < told[-1]["part"] <= 1.0
    assert 0.0 < told[-2]["divergence"] < 1.0
    lesson.real = 0.0
    assert lesson._done() or max(length for _, length in lesson.found.values()) > 1.15


def test_distilled_nets_come_nearer_to_their_teacher(monkeypatch: pytest.MonkeyPatch) -> None:
    import recipe
    import small

    from sketchrnn.train import batches, ending, loop, model

    torch.manual_seed(1)
    teacher, student = model.Net(8, 2), model.Net(5, 2)
    with torch.no_grad():
        teacher.bo.normal_()
    some = [drawing(strokes(i, 2)) for i in range(40)]
    settings = loop.Settings(
        steps=60, batch=8, every=60, warmup=1, lr=0.03, average=0.5, keep=1.0,
        augment=batches.NO_AUGMENT,
    )  # fmt: skip
    monkeypatch.setattr(recipe, "SMALL_BATCHES", 7)
    run = small.Distilled(student, settings, some, some, {}, 30.0)
    run.teacher, run.pixel = small.Teacher(teacher), 1e-4
    batch = run.batches[0]
    inputs, words = torch.from_numpy(batch.inputs), torch.from_numpy(batch.words)

    def apart() -> float:
        with torch.no_grad():
            said, z = teacher(inputs, words), run.averaged(best=False)(inputs, words)
            return float((ending.divergence(said, z, 1e-4) * torch.from_numpy(batch.valid)).mean())

    before = apart()
    run.go(lambda o: None)
    assert apart() < 0.5 * before
    assert sorted(run.teacher.said) == list(range(7))


def test_the_table(tmp_path: Path) -> None:
    import table

    from sketchrnn.train import export, model

    held = {s: {"nats": 0.5, "cell": 0.6, "paper": 0.1} for s in ("valid", "test")}
    for name in ("a", "b"):
        net = model.tensors(model.Net(2, 1))
        facts = export.describe(name, 30.0, 9, {"losses": held})
        export.write(tmp_path / f"{name}.safetensors", net, facts)
    ends = {"a": {t: {"ended": 0.5} for t in table.SHOWN}}
    rows = {n: table.row(tmp_path / f"{n}.safetensors", ends, {}, {}) for n in ("a", "b")}
    lines = table.table(rows, ["a", "b"]).splitlines()
    assert lines[0].startswith("| net | units | MB |")
    assert lines[0].endswith(
        "| paper, test | ended at 0.2, % | ended at 0.3, % | ended at 0.4, % |"
    )
    assert lines[2].endswith("| 0.500 | 0.500 | 0.600 | 0.100 | 50 | 50 | 50 |")
    assert lines[3].endswith("| 0.100 |  |  |  |")
    assert lines[4].startswith("| mean of the nets for one object |")


def test_the_table_replaces_its_own_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import table

    from sketchrnn.train import export, model

    held = {s: {"nats": 0.5, "cell": 0.6, "paper": 0.1} for s in ("valid", "test")}
    for name in ("a", "a-2"):
        facts = export.describe(name, 30.0, 9, {"losses": held})
        export.write(tmp_path / f"{name}.safetensors", model.tensors(model.Net(2, 1)), facts)
    text = tmp_path / "README.md"
    text.write_text(f"Above.\n{table.START}\nold\n{table.END}\nBelow.\n")
    nets = [str(p) for p in tmp_path.glob("*.safetensors")]
    monkeypatch.setattr(sys, "argv", ["table.py", *nets, "--into", str(text)])
    for _ in range(2):
        table.main()
        lines = text.read_text().splitlines()
        assert (lines[0], lines[-1]) == ("Above.", "Below.")
        assert lines[2].startswith("| net | units | MB | nats, valid |")
        assert lines[4].startswith("| a | 2 | 0.00 | 0.500 |")
        assert lines[6].startswith("| mean of the nets for one object |  |  | 0.500 |")
        assert lines[8] == "All files together: 0.0 MB."


def additions(tmp_path: Path) -> list[str]:
    """Three of them beside a folder of nets that stand alone, which b's does not beat and which c
    does not end either; the arguments of ship.py."""
    from sketchrnn.nets import addition, safetensors
    from sketchrnn.train import export, model

    some = [drawing(strokes(i, 3), ("a", "b", "c")[i % 3]) for i in range(90)]
    torch.manual_seed(0)
    net = model.Net(4, 2, objects=3, embedding=2)
    family, weights, cache = tmp_path / "family", tmp_path / "weights", tmp_path / "corpus.npz"
    data.save_cache(cache, some)
    for folder in (family, weights):
        folder.mkdir()
        facts = export.describe("all", 30.0, 20, {})
        facts |= {"objects": '["a", "b", "c"]', "default_object": "a"}
        export.write(folder / "all.safetensors", model.tensors(net), facts, "F32")
    base = addition.Base((family / "all.safetensors").read_bytes(), "all")
    parts = {f"{k}.add": np.zeros_like(base.arrays("a")[k]) for k in addition.SUMS}
    for k in addition.PRODUCTS:
        rows, columns = base.arrays("a")[k].shape
        found = addition.quantised(np.zeros((rows, 1)), np.zeros((1, columns)))
        parts |= {f"{k}.{part}": array for part, array in found.items()}
    for name, end in (("a", 4.0), ("b", 4.0), ("c", -30.0)):
        parts["bo.add"] = np.zeros_like(parts["bo.add"])
        parts["bo.add"][2] = end
        facts = {"name": name, "base": base.identity, "base_name": "all", "base_object": name}
        path = family / f"{name}.addition.safetensors"
        path.write_bytes(addition.packed(parts, facts))
        # What stands in weights/ never ends (a, c), or is the better of the two (b).
        arrays = base.arrays(name)
        arrays["bo"][2] -= 2000.0 if name != "b" else 0.0
        alone = safetensors.pack(arrays, name=name, scale_factor=30.0, max_len=20)
        (weights / f"{name}.safetensors").write_bytes(alone)
    return [str(family), "--corpus", str(cache), "--weights", str(weights), "--count", "10"]


def shipped(weights: Path) -> set[str]:
    return {p.name.removesuffix(".safetensors") for p in weights.iterdir()}


def test_additions_take_the_place_of_worse_nets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is better and ends is taken; one that is worse, or does not end, is left."""
    import ship

    monkeypatch.setattr(sys, "argv", ["ship.py", *additions(tmp_path)])
    ship.main()
    assert shipped(tmp_path / "weights") == {"all", "a.addition", "b", "c"}


@pytest.mark.parametrize(
    ("lost", "length", "before", "now", "taken"),
    [
        (0.02, (1.0, 1.0), 0.3, 0.8, True),  # it was not recognised as real ones are, and is now
        (0.04, (1.0, 1.0), 0.3, 0.8, False),
        (0.02, (1.0, 1.0), 0.3, 0.31, False),  # chance
        (0.02, (1.0, 1.0), 0.8, 0.9, False),  # it was
        (0.005, (1.0, 1.0), 0.8, 0.9, True),
        (0.02, (1.4, 1.1), 0.8, 0.8, True),  # too long
        (0.02, (1.1, 1.0), 0.8, 0.8, False),
        (0.0, (1.1, 1.1), 0.8, 0.8, True),  # the very same, with another record
    ],
)
def test_what_lessons_may_cost(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lost: float,
    length: tuple[float, float],
    before: float,
    now: float,
    taken: bool,
) -> None:
    import judge
    import ship

    def one_by_one(old: Any, new: Any) -> Any:  # what was there is asked first
        answers = iter((old, new))
        return lambda *_: next(answers)

    arguments = additions(tmp_path)
    for folder in ("family", "weights"):
        for name in "ac":
            for path in (tmp_path / folder).glob(f"{name}.*"):
                path.unlink()
    monkeypatch.setattr(ship, "nats", one_by_one(1.0, 1.0 + lost))
    monkeypatch.setattr(ship, "ended", one_by_one((1.0, length[0]), (1.0, length[1])))
    monkeypatch.setattr(ship, "recognised", one_by_one(before, now))
    monkeypatch.setattr(judge, "called", lambda *_: 0.9)
    monkeypatch.setattr(judge, "load", lambda _: (None, []))
    monkeypatch.setattr(sys, "argv", ["ship.py", *arguments, "--judge", "some.pt"])
    ship.main()
    assert shipped(tmp_path / "weights") == {"all", "b.addition" if taken else "b"}
