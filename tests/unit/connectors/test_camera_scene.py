"""Whether a camera looks elsewhere: told by edges, not by light; learned, remembered, and never a picture."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.camera import memory, scene
from connectors.camera.memory import Memory, Scene, likeness
from connectors.camera.pictures import Luma

NOISE = np.random.default_rng(3)
ROWS, COLUMNS = np.mgrid[0:240, 0:320]


def street(shift: int = 0) -> Luma:
    """House fronts, a kerb and a pole, seen by a camera turned by so many points."""
    draw = np.random.default_rng(11)
    wide = np.full((240, 800), 120.0)
    for _ in range(60):
        top, left = draw.integers(0, 200), draw.integers(0, 760)
        wide[top : top + draw.integers(10, 60), left : left + draw.integers(10, 70)] = draw.integers(30, 220)
    wide[180:184] = 200
    return np.clip(wide[:, 200 + shift : 520 + shift], 0, 255).astype(np.uint8)


def seen(picture: object, noise: float = 2.0) -> bytes:
    luma = np.clip(picture + NOISE.normal(0, noise, (240, 320)), 16, 235).astype(np.uint8)  # type: ignore[operator]
    found = scene.describe(luma)
    assert found is not None
    return scene.pack(found)


def test_both_sides_speak_of_the_same_numbers() -> None:
    assert (scene.SIZE, scene.DIRECTIONS) == (memory.SIZE, memory.DIRECTIONS)
    assert len(seen(street())) == scene.SIZE


@pytest.mark.parametrize(
    "light",
    [
        lambda x: x * 0.35,
        lambda x: x * 1.5,
        lambda x: x + 50.0,
        lambda x: 255 * (x / 255) ** 0.5,
        lambda x: 255 * (x / 255) ** 2,
        lambda x: x * np.where(ROWS + COLUMNS > 280, 0.4, 1.0),
        lambda x: np.where((abs(COLUMNS - 150) < 40) & (ROWS > 60), 60.0, x),
    ],
    ids=["dusk", "sun", "glare", "gamma up", "gamma down", "shadow", "somebody before it"],
)
def test_light_and_people_are_no_move(light: object) -> None:
    before = seen(street())
    assert (likeness(before, seen(light(street().astype(float)))) or 0) > memory.MOVED_BELOW + 0.1  # type: ignore[operator]


@pytest.mark.parametrize("shift", [32, 80, 160, -60])
def test_a_turn_is_a_move(shift: int) -> None:
    found = likeness(seen(street()), seen(street(shift)))
    assert found is not None
    assert found < memory.MOVED_BELOW


def test_a_flat_picture_can_not_be_compared() -> None:
    flat = np.full((240, 320), 90, np.uint8)
    assert scene.describe(flat) is None
    assert scene.describe(flat[:10, :10]) is None
    assert likeness(bytes(scene.SIZE), seen(street())) is None


def test_a_move_must_last_and_a_return_ends_it() -> None:
    remembered = Scene("a")
    assert [remembered.take(seen(street())) for _ in range(5)] == [None, None, None, False, False]
    turned = seen(street(120))
    assert [remembered.take(turned) for _ in range(4)] == [None, None, True, True]
    assert remembered.take(None) is True, "a night without a picture does not turn it back"
    assert remembered.take(seen(street())) is False
    assert [remembered.take(turned) for _ in range(2)] == [None, None], "a lorry that drives on"
    assert remembered.take(seen(street())) is False


def test_noise_in_the_dark_is_no_other_scene() -> None:
    remembered = Scene("a")
    for _ in range(3):
        remembered.take(seen(street()))
    night = np.full((240, 320), 20.0)
    assert {remembered.take(seen(night, noise=5.0)) for _ in range(10)} == {None}
    assert remembered.take(seen(street())) is False


def test_a_scene_that_never_stays_is_never_judged() -> None:
    remembered = Scene("a")
    found = {remembered.take(seen(street(shift % 200 - 100))) for shift in range(0, 4000, 57)}
    assert found == {None}


def test_it_is_remembered_small_owner_only_and_without_the_address(tmp_path: Path) -> None:
    def fresh(stream: str = "rtsp://cam/secret-path") -> Memory:
        return Memory("cam/1 ở cổng", tmp_path / "scenes", stream)

    first = fresh()
    for _ in range(4):
        first.moved(seen(street()))
    (file,) = (tmp_path / "scenes").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.stat().st_size < 6_000
    assert b"secret" not in file.read_bytes()
    turned = seen(street(120))
    assert [fresh().moved(turned), fresh().moved(turned), fresh().moved(turned)] == [None, None, True]
    assert fresh("rtsp://cam/other").moved(turned) is None, "another stream is another scene"


@given(junk=st.binary(max_size=400))
@settings(max_examples=30, deadline=None)
def test_a_damaged_file_is_started_anew(junk: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("scenes")
    found = Memory("cam", folder, "x")
    path = found.path
    assert path is not None
    path.write_bytes(junk)
    assert found.moved(seen(street())) is None


def test_an_unwritable_folder_does_not_stop_the_probing(tmp_path: Path) -> None:
    (tmp_path / "scenes").write_text("a file where the folder should be")
    assert Memory("cam", tmp_path / "scenes", "x").moved(seen(street())) is None


@given(
    st.binary(min_size=scene.SIZE, max_size=scene.SIZE), st.binary(min_size=scene.SIZE, max_size=scene.SIZE)
)
@settings(max_examples=50, deadline=None)
def test_likeness_is_bounded(first: bytes, second: bytes) -> None:
    found = likeness(first, second)
    assert found is None or -1.0001 <= found <= 1.0001
