"""Drawings as Arrow data and in Parquet files, and the work on such tables."""

import pickle
import subprocess
import sys

import numpy as np
import pytest
from conftest import small_net

import sketchrnn
from sketchrnn import FormatError, Sketch, Sketches, batch
from sketchrnn.arrow import Compact
from sketchrnn.formats import parquet as parquet_format

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

ROW = pa.struct([("dx", pa.float32()), ("dy", pa.float32()), ("pen", pa.uint8())])


@pytest.fixture(scope="module")
def net():
    return sketchrnn.load("pig-64")


@pytest.fixture(scope="module")
def drawings(net):
    return net.draw(40, seed=3, index=7)


def test_pyarrow_takes_drawings_and_gives_them_back(drawings):
    table = pa.table(drawings)
    table.validate(full=True)
    assert table.schema.names == ["index", "object", "strokes"]
    assert table.schema.field("index").type == pa.uint64()
    assert table.schema.field("object").type == pa.string()
    row = table.schema.field("strokes").type.value_type
    assert [(f.name, f.type) for f in row] == [(f.name, f.type) for f in ROW]
    assert table["index"].to_pylist() == list(range(7, 47))
    first = table["strokes"][0].as_py()
    assert [(r["dx"], r["dy"], r["pen"]) for r in first] == [
        (dx, dy, int(np.argmax(pen))) for dx, dy, *pen in drawings[0].strokes.tolist()
    ]
    for taken in (
        table,
        pa.record_batch(drawings),
        table["strokes"],
        table["strokes"].combine_chunks(),
        pa.chunked_array([table["strokes"].slice(0, 9).combine_chunks(),
                          table["strokes"].slice(9).combine_chunks()]),
        pa.concat_tables([table.slice(0, 11), table.slice(11)]),
        pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=7)),
    ):  # fmt: skip
        assert Sketches.from_arrow(taken) == drawings
    back = Sketches.from_arrow(table)
    assert back.name == drawings.name
    assert (back.indices == drawings.indices).all()
    assert Sketches.from_arrow(table.slice(5, 20)) == drawings[5:25]
    assert Sketches.from_arrow(pa.record_batch(drawings[2:9])) == drawings[2:9]
    assert len(Sketches.from_arrow(table.slice(0, 0))) == 0


def test_what_is_given_outlives_what_gave_it():
    arrays = pa.record_batch(small_net().draw(30, seed=1, max_len=20))
    strokes = arrays.column("strokes")
    del arrays
    strokes.validate(full=True)
    assert Sketches.from_arrow(strokes) == small_net().draw(30, seed=1, max_len=20)


@pytest.mark.parametrize("text", [pa.string(), pa.large_string(), pa.string_view(),
                                  pa.dictionary(pa.int8(), pa.string())])  # fmt: skip
def test_names_of_any_text_type(drawings, text):
    names = ["a" * 20, None, "é", "cat"] * 10
    many = Sketches(drawings.strokes, drawings.offsets, None, names)
    table = pa.table(many)
    assert table["object"].to_pylist() == names
    column = pa.array(names, pa.string()).cast(text)
    other = Sketches.from_arrow(table.set_column(1, "object", column).slice(1))
    assert [sketch.name for sketch in other] == names[1:]


@pytest.mark.parametrize("number", [pa.float64(), pa.int16(), pa.int64(), pa.int8()])
def test_numbers_and_lists_of_any_type(number):
    row = pa.struct([("pen", pa.int64()), ("dy", number), ("dx", number), ("more", pa.string())])
    value = [{"pen": 0, "dy": 2, "dx": 1}, {"pen": 2, "dy": 0, "dx": 0}]
    for kind in (pa.list_, pa.large_list):
        read = Sketches.from_arrow(pa.array([value, [], value], kind(row)))
        assert read.lengths.tolist() == [2, 0, 2]
        assert read[2].strokes.tolist() == [[1, 2, 1, 0, 0], [0, 0, 0, 0, 1]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pa.table({"a": [1]}), "column 'strokes': there is none"),
        (pa.table({"strokes": [1]}), "column 'strokes': expected list<struct"),
        (pa.table({"strokes": [[1.0]]}), "column 'strokes.*': expected struct"),
        (pa.table({"strokes": [[{"dx": 1.0, "pen": 1}]]}), "has no field 'dy'"),
        (pa.array([None], pa.list_(ROW)), "element 0 is null"),
        (pa.array([[{"dx": 1, "dy": None, "pen": 1}]], pa.list_(ROW)), "dy': element 0 is null"),
        (pa.array([[None]], pa.list_(ROW)), "element 0 is null"),
        (pa.array([[], [{"dx": 1, "dy": 1, "pen": 3}]], pa.list_(ROW)),
         "drawing 1: row 0: pen: expected 0"),
        (pa.array([[{"dx": np.inf, "dy": 1, "pen": 1}]], pa.list_(ROW)),
         "drawing 0: row 0: offsets must be finite"),
        (pa.array([[{"dx": 1, "dy": 1, "pen": 2}] * 2], pa.list_(ROW)), "drawing 0: row 1 follows"),
        (pa.table({"index": [-1], "strokes": pa.array([[]], pa.list_(ROW))}), "'index': element 0"),
        (pa.table({"index": [0.5], "strokes": pa.array([[]], pa.list_(ROW))}), "'index'"),
        (pa.table({"object": [1], "strokes": pa.array([[]], pa.list_(ROW))}),
         "'object': expected text"),
    ],
)  # fmt: skip
def test_a_schema_that_does_not_fit_names_the_column(data, message):
    with pytest.raises(ValueError, match=message):
        Sketches.from_arrow(data)


def test_what_is_no_arrow_data():
    with pytest.raises(TypeError, match=r"expected Arrow data .* found int"):
        Sketches.from_arrow(5)


def test_score_and_complete_take_arrow_data(net, drawings):
    table = pa.table(drawings)
    assert (net.score(table).points == net.score(drawings).points).all()
    start = Sketch(drawings[0].strokes[:5])
    one = pa.table(Sketches.of([start]))
    assert net.complete(one, seed=1) == net.complete(start, seed=1)
    with pytest.raises(ValueError, match="expected one drawing, found 40"):
        net.complete(table)


def test_encode_takes_arrow_data():
    from latent_nets import latent_net

    net = latent_net()
    drawings = net.draw(5, seed=1, max_len=30)
    assert (net.encode(pa.table(drawings)) == net.encode(drawings)).all()
    made = batch.Encode(net)(pa.table(drawings))
    assert made.schema.names == ["index", "object", "mu", "sigma"]
    mu, sigma = net.posterior(drawings)
    assert np.array_equal(made["mu"].to_pylist(), mu)
    assert np.array_equal(made["sigma"].to_pylist(), sigma)
    # And from the vectors back to drawings.
    again = batch.Draw(net, seed=4, max_len=30)(
        made.select(["index", "mu"]).rename_columns(["index", "z"])
    )
    assert Sketches.from_arrow(again) == net.draw(z=mu, seed=4, max_len=30)


def test_parquet_keeps_every_bit(drawings, tmp_path):
    names = ["a", None] * 20
    many = Sketches(drawings.strokes, drawings.offsets, None, names, indices=drawings.indices)
    many.save(tmp_path / "a.parquet")
    read = sketchrnn.read(tmp_path / "a.parquet")
    assert read == many
    assert [sketch.name for sketch in read] == names
    assert (read.indices == many.indices).all()
    assert list(sketchrnn.scan(tmp_path / "a.parquet")) == list(many)
    assert sketchrnn.read(tmp_path / "a.parquet", limit=3) == many[:3]
    assert parquet.read_table(tmp_path / "a.parquet")["index"].to_pylist() == list(range(7, 47))
    # What others wrote: other types, other columns, no names, chunks of any size.
    table = pa.table({"id": range(40), "strokes": pa.table(many)["strokes"]})
    parquet.write_table(table, tmp_path / "b.parquet", row_group_size=7)
    assert sketchrnn.read(tmp_path / "b.parquet") == many


def test_compact_is_within_half_a_unit_everywhere(drawings, tmp_path):
    drawings.save(tmp_path / "a.parquet")
    drawings.save(tmp_path / "b.parquet", compact=True)
    type_of = parquet.read_schema(tmp_path / "b.parquet").field("strokes").type.value_type
    assert type_of.field("dx").type == pa.int16()
    read = sketchrnn.read(tmp_path / "b.parquet")
    assert (read.lengths == drawings.lengths).all()
    for ours, theirs in zip(drawings, read, strict=True):
        assert (ours.strokes[:, 2:] == theirs.strokes[:, 2:]).all()
        apart = np.cumsum(ours.strokes[:, :2], 0, float) - np.cumsum(
            theirs.strokes[:, :2], 0, float
        )
        assert abs(apart).max() <= 0.5
    # 20 bytes a row in memory.
    size = (tmp_path / "b.parquet").stat().st_size
    assert size < drawings.strokes.nbytes / 4
    rows = parquet.read_metadata(tmp_path / "b.parquet").row_group(0)
    for column in range(2, 5):
        assert "RLE_DICTIONARY" in rows.column(column).encodings
    with pytest.raises(
        ValueError, match=r"drawing 0: row 0: offset \(40000\.0+, 0\.0+\) does not fit"
    ):
        Sketch([[40000, 0, 1]]).save(tmp_path / "c.parquet", compact=True)
    assert not (tmp_path / "c.parquet").exists()
    assert Sketches.from_arrow(pa.record_batch(Compact(drawings))) == read


def test_parquet_that_is_none(tmp_path):
    whole = tmp_path / "whole.parquet"
    Sketches.of([Sketch([[1, 2, 1]], "cat")] * 3).save(whole)
    data = whole.read_bytes()
    for number, bad in enumerate((b"", b"PAR1", data[:-9], data[:40] + data[60:], b"x" * 500)):
        path = tmp_path / f"{number}.parquet"
        path.write_bytes(bad)
        with pytest.raises(FormatError, match=rf"{number}\.parquet: "):
            sketchrnn.read(path)
    parquet.write_table(pa.table({"a": [1]}), whole)
    with pytest.raises(FormatError, match="column 'strokes': there is none, only a"):
        sketchrnn.read(whole)
    parquet.write_table(pa.table({"strokes": [["a"]]}), whole)
    with pytest.raises(FormatError, match=r"whole\.parquet: .*column 'strokes"):
        sketchrnn.read(whole)
    assert parquet_format.facts(whole) is None


@pytest.mark.parametrize("encoding", ["PLAIN", "DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_names_in_any_encoding(encoding, version, tmp_path):
    path = tmp_path / "a.parquet"
    names = [f"cat {i}" for i in range(900)]
    table = pa.table({"strokes": [[{"dx": 1.0, "dy": 2.0, "pen": 2}]] * 900, "object": names})
    options = {"use_dictionary": False, "column_encoding": {"object": encoding}}
    parquet.write_table(table, path, data_page_version=version, **options)
    assert sketchrnn.read(path).names == names
    with parquet.ParquetWriter(path, table.schema) as writer:  # row groups without a row
        for part in (table[:0], table[:7], table[:0]):
            writer.write_table(part)
    assert sketchrnn.read(path).names == names[:7]


def test_drawings_of_tables_are_those_of_the_net(net):
    draw = pickle.loads(pickle.dumps(batch.Draw("pig-64", seed=5, temperature=0.2)))
    whole = net.draw(60, seed=5, temperature=0.2)
    shuffled = np.random.default_rng(0).permutation(60)
    made = draw(pa.table({"index": shuffled}))
    assert made.schema == draw.schema
    assert Sketches.from_arrow(made) == whole[shuffled]
    assert made["index"].to_pylist() == shuffled.tolist()
    part = draw(pa.record_batch({"index": [3, 4, 5, 9]}))
    assert isinstance(part, pa.RecordBatch)
    assert Sketches.from_arrow(part) == whole[[3, 4, 5, 9]]
    assert draw(pa.record_batch({"index": pa.array([], pa.int64())})).num_rows == 0
    assert draw(pa.table({"index": [1, 1]}))["index"].to_pylist() == [1, 1]
    mixed = draw(pa.table({"index": [0, 1, 2, 3], "temperature": [0.2, 0.5, 0.2, 0.5]}))
    hot = net.draw(4, seed=5, temperature=0.5)
    assert list(Sketches.from_arrow(mixed)) == [whole[0], hot[1], whole[2], hot[3]]
    # A net travels too, and signed columns for engines without the others.
    signed = pickle.loads(pickle.dumps(batch.Draw(net, seed=5, temperature=0.2, signed=True)))
    made = signed(pa.table({"index": [1, 0]}))
    assert made.schema == signed.schema
    assert made.schema.field("index").type == pa.int64()
    assert Sketches.from_arrow(made) == whole[[1, 0]]


def test_objects_of_a_table():
    net = sketchrnn.load("everything")
    draw = batch.Draw("everything", seed=2)
    made = draw(pa.table({"index": [4, 0, 5], "object": ["cat", "pig", "dog"]}))
    assert made["object"].to_pylist() == ["cat", "pig", "dog"]
    assert Sketches.from_arrow(made)[2] == net.draw(1, seed=2, index=5, object=["dog"])[0]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"k": [1]}, "column 'index': there is none, only k"),
        ({"index": ["a"]}, "column 'index': expected whole numbers, found string"),
        ({"index": [1, None]}, "column 'index': .* 1 nulls"),
        ({"index": [-1]}, "column 'index': expected numbers from 0, found -1"),
        ({"index": [1], "object": ["dragon"]}, "object: this net draws"),
        ({"index": [1], "temperature": [-1.0]}, "temperature: expected a finite number"),
        ({"index": [1], "z": [[1.0]]}, "this net has no encoder"),
        ({"index": [1, 2], "z": [[1.0], [1.0, 2.0]]}, "column 'z': expected lists of as many"),
    ],
)
def test_tables_that_cannot_be_drawn(table, message):
    with pytest.raises(ValueError, match=message):
        batch.Draw("pig-64", seed=1)(pa.table(table))


def test_scores_of_tables(net, drawings):
    table = pa.table(drawings).append_column("more", pa.array(range(40)))
    made = pickle.loads(pickle.dumps(batch.Score("pig-64")))(table)
    assert made.schema.names == ["index", "object", "more", "points", "offset_nll", "pen_nll"]
    total = np.array(made["offset_nll"]) + np.array(made["pen_nll"])
    np.testing.assert_allclose(total, net.score(drawings).per_drawing, rtol=1e-12)
    assert made["points"].to_pylist() == drawings.lengths.tolist()
    with pytest.raises(ValueError, match="column 'strokes': there is none"):
        batch.Score("pig-64")(pa.table({"a": [1]}))


def test_without_pyarrow_it_says_what_to_install(tmp_path):
    code = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "import sketchrnn\n"
        "from sketchrnn import batch\n"
        "d = sketchrnn.load('pig-64').draw(2, seed=1)\n"
        "assert sketchrnn.Sketches.from_arrow(d) is d\n"
        "class Given:\n"
        "    def __arrow_c_array__(self): return d.__arrow_c_array__()\n"
        "assert sketchrnn.Sketches.from_arrow(Given()) == d\n"
        "class Streamed:\n"
        "    def __arrow_c_stream__(self): return d.__arrow_c_stream__()\n"
        "assert sketchrnn.Sketches.from_arrow(Streamed()) == d\n"
        "for use in (lambda: d.save('a.parquet'), lambda: batch.Score('pig-64')(d)):\n"
        "    try: use()\n"
        "    except ImportError as e: assert \"pip install 'sketchrnn[arrow]'\" in str(e), e\n"
        "    else: raise AssertionError\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []
