"""What the nets are trained with: objects and settings of each stage (why: docs/training.md)."""

from __future__ import annotations

from sketchrnn.train import ending
from sketchrnn.train.batches import Augment
from sketchrnn.train.loop import Settings

# With 500 drawings to learn from and more; of QuickDraw's with so many, line figures are left out
# (circle, square, triangle, squiggle): there is nothing to draw in them.
OBJECTS = (
    "airplane",
    "alarm clock",
    "ambulance",
    "ant",
    "apple",
    "backpack",
    "basket",
    "bird",
    "butterfly",
    "cactus",
    "calculator",
    "campfire",
    "candle",
    "car",
    "cat",
    "chair",
    "coffee cup",
    "crab",
    "dog",
    "duck",
    "face",
    "flamingo",
    "horse",
    "ice cream",
    "monkey",
    "mosquito",
    "owl",
    "pig",
    "pineapple",
    "power outlet",
    "radio",
    "scorpion",
    "shoe",
    "suitcase",
    "sun",
    "swan",
)
# Of flowers there are 56 drawings, but lessons in being recognised make daisies of them. Elephants,
# of which there are 54, stayed what they were: the classifiers do not know them either.
OF_FEW = ("flower",)
DEFAULT = "cat"

UNITS, MIXTURES, LONGEST = 512, 20, 200
RANK, HEAD_RANK = 48, 24
LEVELS = 15
"""Of an addition's factors, on either side of 0. Of 36 objects it cost 0.0006 nats a point over
127, 0.0025 at most, and a wheel compresses a file to 70% of what it was."""

# From the common net of the first family: it knows the same 345 objects by fewer drawings.
COMMON = Settings(
    steps=5000,
    batch=128,
    lr=1.2e-3,
    lr_end=1.2e-3 / 100,
    warmup=200,
    weight_drop=0.1,
    output_drop=0.1,
    every=1000,
    patience=20,
    bfloat16=True,
    n_max=LONGEST,
    most=1200,
    augment=Augment(dither=0.1, mirror=0.2),
)

# Low-rank factors begin at nothing and have few numbers: they bear and need a higher rate. Steps
# grow with what there is to learn: 680 cacti are learnt by heart after 120, 3,400 cats not after
# 300.
ADDITION = Settings(
    steps=300,
    batch=64,
    lr=2e-3,
    lr_end=2e-5,
    warmup=20,
    weight_drop=0.1,
    output_drop=0.15,
    average=0.98,
    every=60,
    patience=4,
    bfloat16=True,
    n_max=LONGEST,
    augment=Augment(dither=0.1),
)
FEWEST_STEPS, DRAWINGS_A_STEP = 150, 10

# A net that sees one object's drawings alone, for comparison (alone.py).
ALONE = Settings(
    steps=1000,
    batch=64,
    lr=1e-3,
    lr_end=1e-5,
    warmup=50,
    weight_drop=0.15,
    output_drop=0.2,
    average=0.98,
    every=40,
    patience=4,
    bfloat16=True,
    n_max=LONGEST,
    augment=Augment(dither=0.1),
)

# What holds the net must be many drawings of each object, real ones above all: with 16 of each (and
# as many own) it cost 0.011 nats a point on held-out ones, with 60 it cost 0.008.
COMMON_ENDING = ending.Settings(
    rounds=10,
    drawings=4 * len(OBJECTS),
    objects=len(OBJECTS),
    own=50 * len(OBJECTS),
    real=150,
    anchors=64,
    parts=(0.7, 0.8, 0.9),
    checked=150,
    enough=0.985,
)
# Half of the completions are at τ = 0. With 20 of them a round, a quarter of the pineapples that
# somebody else had begun went on for ever there.
ADDITION_ENDING = ending.Settings(lr=1e-3, rounds=6, completions=200)

# Whom policy.py asks: not the judge (judge.py's defaults), but another, that sees less.
TEACHER = {"size": 32, "seed": 1, "epochs": 5}
# At most 30 rounds of 8 batches (policy.py). Nothing of it is kept where nothing was needed.
POLICY = ending.Settings(
    lr=1e-3,
    rounds=30,
    steps=8,
    drawings=30,
    completions=60,
    parts=(0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
)
# Small nets learn from a large one's drawings and distributions: there is no end of them, so that
# nothing needs to be dropped.
SMALL = Settings(
    steps=3000,
    batch=64,
    lr=5e-3,
    lr_end=5e-5,
    warmup=50,
    keep=1.0,
    average=0.98,
    every=300,
    patience=4,
    bfloat16=True,
    n_max=LONGEST,
    augment=Augment(dither=0.1),
)
SMALL_DRAWINGS = 6000
SMALL_BATCHES = 750  # then the same again: the large net has said what it thinks of them
SMALL_ENDING = ending.Settings(lr=1e-3, rounds=12)
