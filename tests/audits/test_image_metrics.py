"""Decoding, hashes, views, correlation, false matches and sharpness: published values, by hand, and a second time naively."""

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageOps
from scipy import fft, stats

from audits.metrics.images import near_duplicates
from audits.metrics.images.decoding import UnreadableImageError, decode, is_flat
from audits.metrics.images.false_matches import decide
from audits.metrics.images.hashes import dct_hash, difference_hash, differing_bits
from audits.metrics.images.looks import LOOKS, WAYS
from audits.metrics.images.near_duplicates import close_pairs, correlations
from audits.metrics.images.prints import Prints, views_of
from audits.metrics.images.sharpness import laplacian_variance
from audits.metrics.images.survey import differing, evenness
from tests.audits.pictures import file_of, motif, noise, plain

SQUARES = arrays(np.uint8, (32, 32))


def pattern(k):
    y, x = np.mgrid[0:32, 0:32]
    return ((x * (3 + k) + y * y * (k + 1) // 2 + (x * y) // (k + 2)) % 256).astype(np.uint8)


@pytest.mark.parametrize(
    ("k", "expected"),
    [(0, 0x88033F3B6D435FB0), (1, 0x92033B2D7A6B5B45), (2, 0x860B302F366A7F4B), (3, 0x8916291F293E6B6E)],
)
def test_phash_equals_the_package_imagehash(k, expected):
    """Values computed with ImageHash 4.3.2 on these pictures; at 32 x 32 nothing is resampled, so all bits agree."""
    assert int(dct_hash(pattern(k))) == expected


@given(SQUARES)
@settings(max_examples=60)
def test_phash_is_what_the_cosine_transform_of_scipy_gives(picture):
    slow = fft.dctn(picture.astype(float), type=2)[:8, :8]
    gap = np.abs(slow - np.median(slow))
    bits = (slow > np.median(slow)).ravel()
    found = np.array([int(b) for b in f"{int(dct_hash(picture)):064b}"], dtype=bool)
    clear = gap.ravel() > 1e-6 * max(np.abs(slow).max(), 1)
    assert (bits == found)[clear].all()


@given(SQUARES)
@settings(max_examples=60)
def test_dhash_is_a_comparison_of_mean_cells(picture):
    """Each pixel is repeated so that 8 and 9 cells both come out even."""
    fine = np.repeat(picture.astype(float), 9, axis=1)
    cells = fine.reshape(8, 4, 9, 32).mean(axis=(1, 3))
    steps = cells[:, 1:] - cells[:, :-1]
    found = np.array([int(b) for b in f"{int(difference_hash(picture)):064b}"], dtype=bool).reshape(8, 8)
    clear = np.abs(steps) > 1e-5
    assert (found == (steps > 0))[clear].all()


def test_dhash_by_hand_and_of_nothing():
    ramp = np.tile(np.arange(32, dtype=np.uint8) * 7, (32, 1))
    assert int(difference_hash(ramp)) == 2**64 - 1
    assert int(difference_hash(ramp[:, ::-1])) == 0
    assert [int(difference_hash(np.full((32, 32), shade, np.uint8))) for shade in (0, 77, 255)] == [0, 0, 0]


@given(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=20), st.integers(0, 2**64 - 1))
def test_distance_counts_the_bits_that_differ(words, other):
    found = differing_bits(np.array(words, dtype=np.uint64), np.uint64(other))
    assert found.tolist() == [bin(word ^ other).count("1") for word in words]


@given(arrays(np.uint8, (3, 4, 4)), arrays(np.uint8, (3, 4, 4)))
def test_correlation_is_pearsons(one, other):
    for found, a, b in zip(correlations(one, other).tolist(), one, other, strict=True):
        if a.std() == 0 or b.std() == 0:
            assert found == 0
        else:
            assert found == pytest.approx(stats.pearsonr(a.ravel().astype(float), b.ravel().astype(float))[0])


def _bits(view):
    return f"{int(dct_hash(view)):064b}{int(difference_hash(view)):064b}"


def _naive(designs, protected, cap):
    """Every look at every pair, one by one."""
    found = {}
    others = [[_bits(view) for view in views] for views in protected]
    for i, one in enumerate(designs):
        turned = [[_bits(way.of(view)) for view in one] for way in WAYS]
        for j, other in enumerate(protected):
            for look in LOOKS:
                a, b = WAYS[look.way].of(one[look.design]), other[look.protected]
                if a.std() < 4 or b.std() < 4:
                    continue
                words = zip(turned[look.way][look.design], others[j][look.protected], strict=True)
                bits = sum(x != y for x, y in words)
                if bits <= 2 * cap:
                    r = float(np.corrcoef(a.ravel().astype(float), b.ravel().astype(float))[0, 1])
                    least, most = found.get((i, j), (99.0, -9.0))
                    found[i, j] = min(least, bits / 2), max(most, r)
    return found


def _nearly_symmetric(seed):
    half = np.asarray(motif(seed, 48)).copy()
    half[:, 24:] = half[:, 23::-1]
    half[4:12, 30:40] = 0
    return Image.fromarray(half)


def test_blocks_give_what_one_by_one_gives(monkeypatch):
    monkeypatch.setattr("audits.metrics.images.near_duplicates._ROWS", 2)
    monkeypatch.setattr("audits.metrics.images.near_duplicates._COLUMNS", 3)
    monkeypatch.setattr("audits.metrics.images.near_duplicates._CHUNK", 5)
    protected = [*(motif(seed, 48) for seed in range(7)), plain(10), _nearly_symmetric(8)]
    designs = [ImageOps.mirror(protected[3]), plain(90), ImageOps.mirror(protected[8])]
    designs += [protected[k].rotate(3 * k + 2, fillcolor=255) for k in range(6)]
    one, other = (np.stack([views_of(np.asarray(p)) for p in side]) for side in (designs, protected))
    found = close_pairs(Prints(one), Prints(other), 13, most=10_000)
    expected = _naive(one, other, 13)
    pairs = list(zip(found.design.tolist(), found.protected.tolist(), strict=True))
    assert pairs == sorted(expected)
    assert len(pairs) >= 5
    assert all(design != 1 and picture != 7 for design, picture in pairs)
    values = zip(found.distance.tolist(), found.correlation.tolist(), strict=True)
    for pair, (distance, correlation) in zip(pairs, values, strict=True):
        assert (distance, correlation) == (expected[pair][0], pytest.approx(expected[pair][1]))


@pytest.mark.parametrize(("cap", "close"), [(1.0, False), (1.5, True), (2.0, True)])
def test_bits_may_all_differ_in_one_of_the_hashes(cap, close):
    """Three bits of 128, all in pHash: a mean distance of 1.5."""
    one, other = (Prints.of([views_of(np.asarray(motif(1, 48)))]) for _ in range(2))
    words = np.zeros((1, 7), dtype=np.uint64)
    other.__dict__["hashes"] = words + np.uint64(7), words
    found = near_duplicates._close([(words, words)] * len(WAYS), one, other, slice(0, 9), cap)
    assert [len(column) for column in found] == [len(LOOKS) if close else 0] * 4


@pytest.mark.parametrize("rows", [1, 2, 64])
def test_no_picture_is_held_against_itself(rows, monkeypatch):
    monkeypatch.setattr("audits.metrics.images.near_duplicates._ROWS", rows)
    prints = Prints.of([views_of(np.asarray(motif(seed, 48))) for seed in (1, 2, 1)])
    found = close_pairs(prints, prints, 10, same=True)
    assert list(zip(found.design.tolist(), found.protected.tolist(), strict=True)) == [(0, 2), (2, 0)]
    assert found.correlation.tolist() == [pytest.approx(1.0)] * 2


def test_nothing_against_nothing():
    empty = Prints.of([])
    assert len(close_pairs(empty, empty, 10)) == 0
    assert len(close_pairs(Prints.of([views_of(np.asarray(motif(1)))]), empty, 10)) == 0


def test_views_are_the_picture_its_motif_and_its_crops():
    grey = np.full((320, 160), 255, np.uint8)
    grey[80:240, 40:120] = np.asarray(noise(3, 80, 160).convert("L"))
    image = Image.fromarray(grey)
    views = views_of(grey)
    boxes = [(0, 0, 160, 320), (40, 80, 120, 240), (16, 32, 144, 288), (0, 0, 128, 256), (32, 0, 160, 256)]
    for view, box in zip(views, boxes, strict=False):
        expected = np.asarray(image.resize((32, 32), Image.Resampling.LANCZOS, box=box))
        assert np.array_equal(view, expected)
    assert views.shape == (7, 32, 32)


# --- false matches ---


def test_decision_distance_by_hand():
    """20 of 10,000 pairs within 6 bits, 80 within 8: the rate doubles per bit; below 6 it is carried on."""
    distances = np.array([6.0] * 20 + [8.0] * 60)
    upper = float(stats.beta.ppf(0.975, 21, 10_000 - 20))
    found = decide(distances, 10_000, 3, 0.01, 10)
    assert (found.distance, found.rate) == (7.5, pytest.approx(upper))
    more = decide(distances, 10_000, 100, 0.01, 10)
    assert (more.distance, more.rate) == (1.0, pytest.approx(upper / 2**5))
    assert more.expected == pytest.approx(more.rate * 100)
    none_that_close = decide(distances, 10_000, 10, 0.01, 10)
    assert (none_that_close.distance, none_that_close.rate) == (5.5, pytest.approx(1 - 0.025 ** (1 / 10_000)))


def test_pairs_beyond_the_cap_help_to_see_how_the_rate_falls_but_are_never_decided_on():
    """20 of 10,000 pairs at 12 bits, 80 within 14: known up to 16, decided up to 10."""
    distances = np.array([12.0] * 20 + [14.0] * 60)
    upper = float(stats.beta.ppf(0.975, 21, 10_000 - 20))
    far = decide(distances, 10_000, 3, 0.01, 10, 16)
    none_that_close = 1 - 0.025 ** (1 / 10_000)
    assert (far.distance, far.rate) == (10.0, pytest.approx(min(none_that_close, upper / 2**2)))
    many = decide(distances, 10_000, 1000, 0.01, 10, 16)
    assert (many.distance, many.rate) == (3.5, pytest.approx(upper / 2**8.5))
    assert decide(distances[distances <= 10], 10_000, 1000, 0.01, 10).distance is None


def test_no_decision_without_pairs_or_when_even_equal_hashes_happen_by_chance():
    assert decide(np.zeros(0), 0, 10, 0.01, 10).distance is None
    assert decide(np.zeros(50), 1000, 10_000, 0.01, 10).distance is None
    assert decide(np.zeros(0), 1000, 10**9, 0.01, 10).distance is None


@given(
    st.lists(st.integers(0, 20), max_size=60),
    st.integers(1, 10**6),
    st.floats(1e-6, 10.0),
)
def test_more_comparisons_never_allow_a_larger_distance(halves, comparisons, allowed):
    distances = np.array(halves, dtype=float) / 2
    pairs = 2000
    one, more = (decide(distances, pairs, n, allowed, 10) for n in (comparisons, comparisons * 7))
    assert (more.distance if more.distance is not None else -1) <= (
        one.distance if one.distance is not None else -1
    )
    for found in (one, more):
        if found.distance is not None:
            assert found.distance <= 10
            assert found.expected <= allowed * (1 + 1e-9)


# --- decoding ---


def _claims(width, height):
    """A PNG of a few bytes that claims to be a huge picture."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000, 2**31 - 1])
def test_a_small_file_that_claims_to_be_huge_is_refused_before_it_is_decoded(side):
    with pytest.raises(UnreadableImageError, match=r"more than 50000000 pixels|damaged"):
        decode(_claims(side, side))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"%PDF-1.4", "no PNG, JPEG, WebP, GIF or BMP file"),
        (file_of(motif(1))[:200], "damaged or cut off"),
        (file_of(motif(1), "JPEG")[:-300], "damaged or cut off"),
        (file_of(motif(1), "TIFF"), "no PNG"),
    ],
)
def test_what_is_no_picture_says_why(content, message):
    with pytest.raises(UnreadableImageError, match=message):
        decode(content)


@given(st.binary(max_size=60), st.integers(8, 400), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]))
@settings(max_examples=200, deadline=None)
def test_no_damage_ends_in_anything_but_an_unreadable_image(garbage, place, kind):
    whole = file_of(motif(1, 32), kind)
    content = whole[:place] + garbage + whole[place + len(garbage) :]
    try:
        picture = decode(content, max_pixels=10**6, digest=True)
    except UnreadableImageError:
        return
    assert picture.grey.shape == (picture.height, picture.width)


def test_transparent_ground_is_white_and_black_where_nothing_shows_on_white():
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (10, 10, 20, 20))
    assert decode(file_of(clear)).grey[0, 0] == 255
    white = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    white.paste((255, 255, 255, 255), (10, 10, 30, 30))
    grey = decode(file_of(white)).grey
    assert (grey[0, 0], grey[15, 15]) == (0, 255)


def test_sixteen_bits_are_scaled_and_orientation_is_followed():
    levels = np.linspace(0, 65535, 64 * 32).reshape(32, 64).astype(np.uint16)
    grey = decode(file_of(Image.fromarray(levels))).grey
    assert (int(grey.min()), int(grey.max())) == (0, 255)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode(file_of(motif(1).crop((0, 0, 96, 48)), "JPEG", exif=exif))
    assert (turned.width, turned.height, turned.grey.shape) == (48, 96, (96, 48))


def test_the_digest_is_that_of_the_pixels_not_of_the_file():
    image = noise(1)
    first, second = (decode(file_of(image, "PNG", compress_level=k), digest=True).digest for k in (0, 9))
    assert first == second == decode(file_of(image, "WEBP", lossless=True), digest=True).digest
    changed = image.copy()
    changed.putpixel((0, 0), (1, 2, 3))
    assert decode(file_of(changed), digest=True).digest != first
    assert decode(file_of(image)).digest == ""


def test_large_pictures_are_decoded_small_when_that_is_enough():
    big = decode(file_of(motif(1, 2048), "JPEG"), within=256)
    assert (big.width, big.height) == (2048, 2048)
    assert max(big.grey.shape) <= 512


def test_flat_is_a_standard_deviation_below_four_grey_levels():
    assert is_flat(np.full((9, 9), 7, np.uint8))
    assert is_flat(np.tile(np.array([100, 107], np.uint8), (4, 4)))
    assert not is_flat(np.tile(np.array([100, 108], np.uint8), (4, 4)))


@given(arrays(np.uint8, (5, 6)))
def test_laplacian_variance_by_loops(grey):
    values = [
        int(grey[y - 1, x])
        + int(grey[y + 1, x])
        + int(grey[y, x - 1])
        + int(grey[y, x + 1])
        - 4 * int(grey[y, x])
        for y in range(1, 4)
        for x in range(1, 5)
    ]
    assert laplacian_variance(grey) == pytest.approx(np.var(values))


def test_a_blurred_picture_is_less_sharp_and_a_tiny_one_unknown():
    from PIL import ImageFilter

    image = motif(3)
    blurred = image.filter(ImageFilter.GaussianBlur(2))
    assert laplacian_variance(np.asarray(blurred)) < laplacian_variance(np.asarray(image)) / 10
    assert np.isnan(laplacian_variance(np.zeros((2, 9), np.uint8)))


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-1, 2)), max_size=20))
def test_groups_with_two_labels_by_loops(rows):
    groups, labels = (np.array([row[i] for row in rows], dtype=np.int64) for i in (0, 1))
    of = {g: {label for h, label in rows if h == g and label >= 0} for g, _ in rows}
    assert differing(groups, labels).tolist() == [label >= 0 and len(of[g]) > 1 for g, label in rows]


def test_evenness_is_the_entropy_over_that_of_equal_shares():
    assert evenness(np.array([5, 5, 5])) == pytest.approx(1.0)
    assert evenness(np.array([9, 1])) == pytest.approx(stats.entropy([0.9, 0.1], base=2))
    assert np.isnan(evenness(np.array([9])))


def test_pillow_is_not_loaded_before_a_picture_is_decoded():
    code = (
        "import sys, audits.metrics.images.reading, audits.metrics.images.survey; print('PIL' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"


def test_an_animation_gives_its_first_frame():
    written = io.BytesIO()
    motif(1).save(written, "GIF", save_all=True, append_images=[motif(2)])
    assert decode(written.getvalue()).format == "GIF"
