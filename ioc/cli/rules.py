"""``ioc rules``: looks at the rules of alerts, and tries them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ioc.cli._asking import Form, print_json, print_table

if TYPE_CHECKING:
    from ioc.alerts.model import Rule
    from ioc.alerts.trying import Tried
    from ioc.district import Pack, Problem, Reading

app = typer.Typer(
    no_args_is_help=True,
    help="Rules of alerts: what they say, whether they are in order, whether they do what their tests expect.\n\n"
    "Example: ioc rules test",
)
_FAILED = 1

_Folder = Annotated[
    Path | None,
    typer.Argument(help="Folder of the pack; without it IOC_PACK, else the Gò Dầu pack.", show_default=False),
]
_Code = Annotated[str | None, typer.Option("--rule", help="Code of one rule; without it, all.")]
_Output = Annotated[Form, typer.Option("--format", help="How to print.")]


@app.command()
def check(folder: _Folder = None, rule: _Code = None, output: _Output = Form.TABLE) -> None:
    """Explain every mistake in rules, policies and channels with its file and line. Exit status 3 when there are any.

    Example: ioc rules check deploy/packs/go-dau --rule camera.down
    """
    from ioc.district import PackError
    from ioc.district.alerts import is_of_alerts

    place, reading = _read(folder)
    ours = [one for one in [*reading.errors, *reading.notes] if is_of_alerts(one.file)]
    others = [one for one in reading.errors if not is_of_alerts(one.file)]
    if rule is not None:
        _known(rule, reading, ours)
        ours = [one for one in ours if one.message.startswith(f"{rule}: ")]
    errors = [one for one in ours if not one.note]
    # where other files can't be read, nobody can tell whether rules fit them
    judged = not others or reading.usable is not None
    if output is Form.JSON:
        print_json(
            {
                "folder": str(place),
                "in_order": not errors and judged,
                "findings": [_finding(one) for one in ours],
                "other_mistakes": len(others),
            }
        )
        if errors or not judged:
            raise typer.Exit(PackError.exit_code)
        return
    for one in ours:
        if one.note:
            typer.echo(str(one))
    if errors or not judged:
        raise PackError(place, errors or others)
    if others:
        typer.echo(f"{len(others)} mistakes in other files of the pack: ioc district check names them.")
    pack = reading.pack or reading.usable
    if pack is not None:
        alerts = pack.alerts
        typer.echo(
            f"{len(alerts.rules)} rules with {len(pack.trials)} tests, {len(alerts.policies)} policies,"
            f" {len(alerts.channels)} channels: in order."
        )


@app.command("test")
def try_rules(folder: _Folder = None, rule: _Code = None, output: _Output = Form.TABLE) -> None:
    """Run the tests of the rules. Exit status 1 when a rule does otherwise, 3 when one can't be read.

    Example: ioc rules test --rule camera.down
    """
    from ioc.alerts.trying import try_rule
    from ioc.district import PackError
    from ioc.district.alerts import is_of_alerts

    place, reading = _read(folder)
    pack = _usable(place, reading)
    unread = [one for one in reading.errors if is_of_alerts(one.file)]
    if rule is not None:
        _known(rule, reading, unread)
        unread = [one for one in unread if one.message.startswith(f"{rule}: ")]
    tried = [
        try_rule(trial, pack.calendar) for trial in pack.trials if rule is None or trial.rule.code == rule
    ]
    if output is Form.JSON:
        print_json(
            {
                "folder": str(place),
                "passed": all(one.passed for one in tried) and not unread,
                "tests": [_result(one) for one in tried],
                "unread": [_finding(one) for one in unread],
            }
        )
    else:
        _print_results(tried, pack, rule)
    if unread and output is Form.TABLE:
        raise PackError(place, unread)
    if unread:
        raise typer.Exit(PackError.exit_code)
    if not all(one.passed for one in tried):
        raise typer.Exit(_FAILED)


@app.command("list")
def list_rules(
    folder: _Folder = None,
    rule: _Code = None,
    language: Annotated[str, typer.Option(help="Language of names and words: vi or en.")] = "vi",
    output: _Output = Form.TABLE,
) -> None:
    """List the rules in words: when each is raised, how bad it is, whom it calls, what to do then.

    Example: ioc rules list --language en
    """
    from ioc.alerts.durations import duration_text
    from ioc.alerts.words import LANGUAGES, rule_words
    from ioc.errors import UsageError

    if language not in LANGUAGES:
        raise UsageError(f"There is no language {language!r} here.", remedy="It is vi or en.")
    place, reading = _read(folder)
    pack = _usable(place, reading)
    if rule is not None:
        _known(rule, reading, reading.errors)
    found = [one for one in pack.alerts.rules if rule is None or one.code == rule]
    if output is Form.JSON:
        print_json({"folder": str(place), "rules": [_document(one) for one in found]})
        return
    rows = [
        (
            one.code,
            one.severity.word,
            one.name_vi if language == "vi" else one.name_en,
            rule_words(one, language),
            duration_text(one.clear_for),
            one.policy or "—",
        )
        for one in found
    ]
    print_table(("rule", "severity", "name", "when", "clear", "policy"), rows)
    if rule is not None:
        for one in found:
            typer.echo(one.runbook_vi if language == "vi" else one.runbook_en or one.runbook_vi)


def _read(folder: Path | None) -> tuple[Path, Reading]:
    from ioc.cli.district import pack_folder
    from ioc.district import examine

    place = pack_folder(folder)
    return place, examine(place)


def _usable(place: Path, reading: Reading) -> Pack:
    """The pack without what is wrong with its rules.

    :raises PackError: other mistakes leave nothing to go on.
    """
    from ioc.district import PackError

    found = reading.pack or reading.usable
    if found is None:
        raise PackError(place, reading.errors)
    return found


def _known(code: str, reading: Reading, problems: Iterable[Problem]) -> None:
    """Refuse the code of a rule that is not there.

    :raises UsageError: naming the nearest one.
    """
    import difflib

    from ioc.errors import UsageError

    pack = reading.pack or reading.usable
    codes = [rule.code for rule in pack.alerts.rules] if pack is not None else []
    if code in codes or any(one.message.startswith(f"{code}: ") for one in problems):
        return
    near = difflib.get_close_matches(code, codes, n=1)
    raise UsageError(
        f"The pack has no rule {code!r}.",
        remedy=f"Did you mean {near[0]}?" if near else "ioc rules list shows them.",
    )


def _finding(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.file,
        "line": problem.line,
        "message": problem.message,
        "remedy": problem.remedy,
        "note": problem.note,
    }


def _result(tried: Tried) -> dict[str, object]:
    trial = tried.trial
    return {
        "rule": trial.rule.code,
        "test": trial.name,
        "file": trial.rule.file,
        "line": trial.line,
        "passed": tried.passed,
        "fires_at_s": [at.total_seconds() for at in tried.fired],
        "clears_at_s": [at.total_seconds() for at in tried.cleared],
        "difference": tried.told(),
    }


def _print_results(tried: Sequence[Tried], pack: Pack, rule: str | None) -> None:
    for one in tried:
        trial = one.trial
        if not one.passed:
            typer.echo(
                f"{trial.rule.file}:{trial.line}: {trial.rule.code}: “{trial.name}” failed: it {one.told()}."
            )
    failed = sum(not one.passed for one in tried)
    known = {trial.rule.code for trial in pack.trials}
    for untested in pack.alerts.rules:
        if untested.code not in known and rule in (None, untested.code):
            typer.echo(f"{untested.file}:{untested.line}: {untested.code} has no test.")
    typer.echo(f"{len(tried)} tests, {len(tried) - failed} passed, {failed} failed.")


def _document(rule: Rule) -> dict[str, object]:
    import json

    from ioc.alerts.encoding import rule_to_json
    from ioc.alerts.words import LANGUAGES, rule_words

    found: dict[str, object] = json.loads(rule_to_json(rule))
    found["severity"] = rule.severity.word
    found["words"] = {language: rule_words(rule, language) for language in LANGUAGES}
    return found
