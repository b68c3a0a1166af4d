"""What commands print for people."""

import pytest

from idp.cli.output import print_fields


def test_several_values_stand_below_each_other_whatever_holds_them(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"controls": ("1.2", "3.4"), "contexts": ["dc=x"], "none": (), "complete": True})
    assert capsys.readouterr().out == ("controls  1.2\n          3.4\ncontexts  dc=x\nnone      -\ncomplete  yes\n")
