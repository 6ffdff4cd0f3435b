"""Many drawings as files: the same however they are divided, and after any end."""

import json
import random
import signal
import subprocess
import sys
import time

import pytest

import sketchrnn
from sketchrnn import Sketches, cli, shards

pytest.importorskip("pyarrow")
from sketchrnn.formats.parquet import facts

N, SEED = 300, 11


@pytest.fixture(scope="module")
def nets():
    return [sketchrnn.load("pig-64", precision="i8"), sketchrnn.load("pig-128", precision="i8")]


@pytest.fixture(scope="module")
def recipe(nets):
    return shards.Recipe(nets, N, SEED, [0.2, 0.6])


@pytest.fixture(scope="module")
def whole(nets):
    """What the recipe's drawings are, by the net alone."""
    return [
        net.draw(N, seed=SEED, temperature=temperature)
        for net in nets
        for temperature in (0.2, 0.6)
    ]


def digest(files):
    found = shards.Digest()
    for path in files:
        for some in sketchrnn.formats.batches(path):
            found.update(some)
    return found.hexdigest()


@pytest.fixture(scope="module")
def expected(whole):
    found = shards.Digest()
    for some in whole:
        found.update(some)
    return found.hexdigest()


@pytest.mark.parametrize("count", [1, 2, 7])
def test_however_many_parts(recipe, expected, count, tmp_path):
    told = []
    files = shards.draw(tmp_path, recipe, shards=count, told=lambda *said: told.append(said))
    assert [facts(path)["rows"] for path in files] == [
        [i * 4 * N // count, (i + 1) * 4 * N // count] for i in range(count)
    ]
    assert digest(files) == expected
    assert told[-1][:2] == (4 * N, 4 * N)
    points = sum(len(some.strokes) for path in files for some in sketchrnn.formats.batches(path))
    assert sum(rows for _, _, rows in told) == points


def test_parts_in_any_order_by_anyone(recipe, expected, tmp_path):
    for i in random.Random(1).sample(range(5), 5):
        shards.draw(tmp_path, recipe, shards=5, shard=i, threads=1 + i % 2)
    assert digest(sorted(tmp_path.iterdir())) == expected


def test_what_is_whole_is_kept_and_what_is_not_is_made_anew(recipe, expected, tmp_path):
    files = shards.draw(tmp_path, recipe, shards=3)
    times = [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())]
    told = []
    shards.draw(tmp_path, recipe, shards=3, told=lambda *said: told.append(said))
    assert told == [(i * 400, 1200, None) for i in (1, 2, 3)]
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.iterdir())] == times
    # One byte of a drawing, one that is cut, one that is away.
    first, second, third = map(tmp_path.joinpath, sorted(p.name for p in tmp_path.iterdir()))
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    first.write_bytes(data)
    second.write_bytes(second.read_bytes()[:5000])
    third.unlink()
    shards.draw(tmp_path, recipe, shards=3)
    assert digest(files) == expected


def test_drawings_of_another_recipe_are_refused(recipe, nets, tmp_path):
    shards.draw(tmp_path, recipe, shards=2)
    kept = [path.read_bytes() for path in sorted(tmp_path.iterdir())]
    for other, named in (
        (recipe._replace(seed=12), "seed: wanted 12, there 11"),
        (recipe._replace(n=N + 1), "n: wanted 301, there 300"),
        (recipe._replace(nets=nets[::-1]), "nets: wanted"),
        (recipe._replace(temperatures=[0.2]), "temperatures: wanted"),
        (recipe._replace(compact=True), "compact: wanted True"),
        (recipe._replace(max_len=9), "max_len: wanted 9"),
        (recipe._replace(nets=[sketchrnn.load("pig-64"), nets[1]]), "precision|nets"),
    ):
        with pytest.raises(ValueError, match=rf"part-00000-of-00002\.parquet: .*{named}"):
            shards.draw(tmp_path, other, shards=2)
    with pytest.raises(
        ValueError, match=r"holds part-00000-of-00002\.parquet, a part of 2, not of 4"
    ):
        shards.draw(tmp_path, recipe, shards=4)
    (tmp_path / "part-00000-of-00002.parquet").unlink()
    Sketches.of([]).save(tmp_path / "part-00000-of-00002.parquet")
    with pytest.raises(ValueError, match="not as a part of such work"):
        shards.draw(tmp_path, recipe, shards=2)
    assert (tmp_path / "part-00001-of-00002.parquet").read_bytes() == kept[1]


def test_compact_parts(recipe, tmp_path):
    compact = recipe._replace(compact=True, n=20)
    files = shards.draw(tmp_path, compact, shards=2)
    assert all(shards.is_whole(path, compact, shard=i, shards=2) for i, path in enumerate(files))


def command(*arguments, **options):
    code = "import sys, sketchrnn.cli; sys.exit(sketchrnn.cli.main(sys.argv[1:]))"
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], **options)


def test_killed_five_times_it_ends_with_the_same(recipe, expected, tmp_path):
    arguments = ["draw", "pig-64", "pig-128", "-n", N, "-t", "0.2", "-t", "0.6", "--seed", SEED]
    arguments += ["--precision", "i8", "--shards", 9, "-o", tmp_path / "out"]
    moments = random.Random(4)
    started = time.monotonic()
    with command(*arguments, "-n", 1, "-o", tmp_path / "once") as one:
        assert one.wait(timeout=120) == 0
    takes = time.monotonic() - started
    for _ in range(5):
        with command(*arguments) as process:
            time.sleep(takes * moments.uniform(0.3, 1.1))
            process.send_signal(signal.SIGKILL)
    with command(*arguments, stderr=subprocess.PIPE) as process:
        said = process.communicate(timeout=240)[1].decode()
        assert process.returncode == 0, said
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == [shards.name_of(i, 9) for i in range(9)]
    assert digest(files) == expected


def test_one_file_and_one_part_by_command(whole, tmp_path, capsys):
    file = tmp_path / "pigs.parquet"
    assert cli.main(["draw", "pig-64", "-n", str(N), "-t", "0.2", "--seed", str(SEED),
                     "--precision", "i8", "-o", str(file)]) == 0  # fmt: skip
    assert sketchrnn.read(file) == whole[0]
    assert facts(file)["seed"] == SEED
    line = ["draw", "pig-64", "-n", "20", "-o", str(tmp_path / "parts")]
    assert cli.main([*line, "--shard", "2/3"]) == 0
    assert [p.name for p in (tmp_path / "parts").iterdir()] == ["part-00002-of-00003.parquet"]
    drawn = sketchrnn.load("pig-64").draw(7, seed=0, index=13)
    assert sketchrnn.read(tmp_path / "parts" / "part-00002-of-00003.parquet") == drawn
    capsys.readouterr()
    for wrong, message in (
        (["--shard", "3/3"], "expected 0 to 2 of 3, found 3"),
        (["--shard", "a"], "--shard: expected I/M, such as 3/64, found 'a'"),
        (["--shard", "0/3", "--shards", "4"], "--shard: of 3, and --shards 4"),
        (["--shards", "3", "--columns", "2"], "columns: parquet has the options compact"),
        (["--shards", "0"], "shards"),
    ):
        assert cli.main([*line, *wrong]) == 1
        assert message in capsys.readouterr().err


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000));"
    code = f"{limit} import sys, sketchrnn.cli; sys.exit(sketchrnn.cli.main(sys.argv[1:]))"
    arguments = ["draw", "pig-64", "-n", "200", "--shards", "2", "-o", str(tmp_path)]
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "part-00000-of-00002.parquet" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_scores_of_files_of_any_kind(nets, whole, tmp_path):
    from pyarrow import parquet

    whole[0].save(tmp_path / "a.parquet")
    whole[1][:40].save(tmp_path / "b.ndjson.gz")
    files = [str(tmp_path / "a.parquet"), str(tmp_path / "b.ndjson.gz")]
    out = tmp_path / "scores.parquet"
    assert cli.main(["score", "pig-64", "pig-128", *files, "--precision", "i8",
                     "-o", str(out)]) == 0  # fmt: skip
    table = parquet.read_table(out)
    assert table.num_rows == 2 * (N + 40)
    rows = table.to_pylist()
    mine = [row for row in rows if row["file"] == files[0] and row["net"] == nets[1].name]
    figures = nets[1].score(whole[0])
    assert [row["drawing"] for row in mine] == list(range(N))
    assert [row["index"] for row in mine] == list(range(N))
    assert [row["points"] for row in mine] == whole[0].lengths.tolist()
    assert [row["pen_nll"] for row in mine] == figures.sums(figures.pen_nll).tolist()
    assert [row["offset_nll"] for row in mine] == figures.sums(figures.offset_nll).tolist()
    others = [row for row in rows if row["file"] == files[1]]
    assert {row["index"] for row in others} == {None}
    read = sketchrnn.read(files[1])
    assert [r["offset_nll"] for r in others if r["net"] == nets[0].name] == nets[0].score(
        read
    ).sums(nets[0].score(read).offset_nll).tolist()


def test_scores_of_each_file_are_kept(tmp_path, whole, capsys):
    from pyarrow import parquet

    for name in ("a", "b"):
        whole[0][:20].save(tmp_path / f"{name}.parquet")
    files = [str(tmp_path / f"{name}.parquet") for name in "ab"]
    line = ["score", "pig-64", *files, "-o", str(tmp_path / "out") + "/", "--fit"]
    assert cli.main(line) == 0
    there = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in there] == ["a.parquet.scores.parquet", "b.parquet.scores.parquet"]
    assert "scale" in parquet.read_schema(there[0]).names
    times = [path.stat().st_mtime_ns for path in there]
    whole[0][:30].save(files[1])
    assert cli.main(line) == 0
    assert there[0].stat().st_mtime_ns == times[0]
    assert parquet.read_table(there[1]).num_rows == 30
    # One that is cut is made anew, and one with another figure than its footer's digest is of.
    table, whole_file = parquet.read_table(there[0]), there[0].read_bytes()
    stated = facts(there[0])["digest"]
    there[0].write_bytes(whole_file[:-20])
    assert cli.main(line) == 0
    assert parquet.read_table(there[0]) == table
    column = table.schema.get_field_index("pen_nll")
    other = table.set_column(column, "pen_nll", [table["pen_nll"].to_numpy() + 1.0])
    text = parquet.ParquetFile(there[0]).metadata.metadata[b"sketchrnn"]
    parquet.write_table(other.replace_schema_metadata({"sketchrnn": text}), there[0])
    assert facts(there[0])["digest"] == stated
    assert cli.main(line) == 0
    assert parquet.read_table(there[0]) == table
    line[1] = "pig-128"
    capsys.readouterr()
    assert cli.main(line) == 1
    assert "is there already, of another net" in capsys.readouterr().err


def test_a_file_is_no_folder(tmp_path, recipe):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "in"):
        with pytest.raises(ValueError, match=r"expected a folder, found that .*file"):
            shards.draw(place, recipe, shards=2)


def test_what_score_is_given(tmp_path, capsys):
    (tmp_path / "net.gen.json").write_text("{}")
    for arguments, message in (
        (["pig-64"], "expected a net and, behind it, a file"),
        (["pig-64", "no.ndjson"], "no such file: no.ndjson"),
        (["pig-64", "a.ndjson", "-o", "x.csv"], "expected a name ending in .parquet"),
        (["pig-64", "a.ndjson", "-o", "x.parquet", "--json"], "without --limit and --json"),
    ):
        assert cli.main(["score", *arguments]) == 1
        assert message in capsys.readouterr().err
    whole = sketchrnn.load("pig-64").draw(5, seed=1)
    for name in ("a.ndjson", "b.ndjson"):
        whole.save(tmp_path / name)
    files = [str(tmp_path / "a.ndjson"), str(tmp_path / "b.ndjson")]
    assert cli.main(["score", "pig-64", *files, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["drawings"] == 10
