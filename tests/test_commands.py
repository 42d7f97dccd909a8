"""The commands: each has a --help that starts nothing, and a line in docs/commands.md."""

from pathlib import Path

import pytest

from benchmarks.__main__ import PROOFS, main

DOCS = Path(__file__).parents[1] / "docs" / "commands.md"
COMMANDS = "run", "report", "compare", "history", "export", "list", "atlas", *PROOFS


def test_these_are_all_of_them(capsys):
    with pytest.raises(SystemExit):
        main(["wrong"])
    told = capsys.readouterr().err.partition("choose from ")[2].strip(" )\n").replace("'", "")
    assert told.split(", ") == list(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_its_help_starts_nothing(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m benchmarks {command} ")


@pytest.mark.parametrize("command", COMMANDS)
def test_its_exit_code_is_documented(command):
    assert f"\n| `{command}` |" in DOCS.read_text(encoding="utf-8")
