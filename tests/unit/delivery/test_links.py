"""Links by which people acknowledge: what makes one good, and everything that makes one bad."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.delivery.answering import Doing
from ioc.delivery.links import LIFE, Claim, ExpiredLinkError, Links, WrongLinkError
from ioc.errors import SettingsError
from ioc.settings import Settings

NOW = datetime(2026, 11, 25, 0, 15, tzinfo=UTC)
CLAIM = Claim(2**40 + 17, "lanh-dao-1", NOW + LIFE)


@pytest.fixture
def links(tmp_path: Path) -> Links:
    return Links("https://ioc.godau.example/", tmp_path / "secrets" / "links")


def test_a_link_says_what_it_was_made_for_and_is_short_enough_for_a_text_message(links: Links) -> None:
    url = links.url(1234, "lanh-dao-1", NOW)
    assert url is not None
    assert url.startswith("https://ioc.godau.example/a/")
    assert len(url.rpartition("/")[2]) <= 54
    assert links.read(links.sign(CLAIM), NOW) == CLAIM
    only = Claim(1, "ủy-viên", NOW + LIFE, frozenset({Doing.SNOOZE}))
    assert links.read(links.sign(only), NOW) == only


def test_it_ends_at_its_time(links: Links) -> None:
    token = links.sign(CLAIM)
    assert links.read(token, NOW + LIFE - timedelta(seconds=1)) == CLAIM
    with pytest.raises(ExpiredLinkError, match="expired"):
        links.read(token, NOW + LIFE)


def test_a_changed_bit_anywhere_makes_it_wrong(links: Links) -> None:
    token = links.sign(CLAIM)
    for place in range(len(token)):
        for sign in "A_-z0":
            if sign != token[place]:
                with pytest.raises(WrongLinkError):
                    links.read(token[:place] + sign + token[place + 1 :], NOW)


@given(st.text(max_size=500))
def test_anything_else_is_wrong_and_nothing_worse(given_token: str) -> None:
    with pytest.raises(WrongLinkError):
        Links(None, Path("/nonexistent/links")).read(given_token, NOW)


def test_a_token_is_said_in_one_way_only(links: Links) -> None:
    token = links.sign(CLAIM)
    for other in (token + "=", token + "==", " " + token, token + "\n", token.replace("_", "/")):
        if other != token:
            with pytest.raises(WrongLinkError):
                links.read(other, NOW)


def test_another_installations_link_is_wrong_here(links: Links, tmp_path: Path) -> None:
    other = Links("https://ioc.godau.example", tmp_path / "other")
    with pytest.raises(WrongLinkError):
        links.read(other.sign(CLAIM), NOW)


def test_the_key_is_its_owners_alone_and_processes_share_it(links: Links, tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "links"
    many = [Links(links.public_url, file) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        tokens = list(pool.map(lambda one: one.sign(CLAIM), many))
    assert len(set(tokens)) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [path.name for path in file.parent.iterdir()] == ["links"]


def test_turning_the_key_once_keeps_links_that_are_out_and_twice_ends_them(
    links: Links, tmp_path: Path
) -> None:
    answering = Links(None, tmp_path / "secrets" / "links")
    old = links.sign(CLAIM)
    links.rotate()
    assert links.sign(CLAIM) != old
    assert answering.read(old, NOW) == answering.read(links.sign(CLAIM), NOW) == CLAIM
    links.rotate()
    with pytest.raises(WrongLinkError):
        answering.read(old, NOW)


def test_without_a_public_address_there_is_no_link_and_no_key(tmp_path: Path) -> None:
    none = Links.of(Settings(state_dir=tmp_path))
    assert none.url(1, "a", NOW) is None
    assert "IOC_PUBLIC_URL is not set" in str(none.problem)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "url",
    [
        "ioc.example",
        "ftp://ioc.example",
        "https://",
        "https://ioc.example/?x=1",
        "https://a b",
        "http://x:99999",
    ],
)
def test_a_public_address_that_is_none_is_told_and_messages_go_without_links(
    tmp_path: Path, url: str
) -> None:
    found = Links.of(Settings(state_dir=tmp_path, public_url=url))
    assert found.url(1, "a", NOW) is None
    assert "IOC_PUBLIC_URL is no address" in str(found.problem)


def test_spoilt_keys_are_told(links: Links, tmp_path: Path) -> None:
    file = tmp_path / "secrets" / "links"
    file.parent.mkdir()
    file.write_text("0 abcd\n")
    with pytest.raises(SettingsError, match="can't be read"):
        links.sign(CLAIM)


def test_a_public_address_that_is_this_machines_own_is_told(tmp_path: Path) -> None:
    found = Links("http://localhost:18080", tmp_path / "links")
    assert found.url(1, "a", NOW) is not None
    assert "only this machine" in str(found.problem)
