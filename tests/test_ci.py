"""In CI nothing is skipped: a test or module that skips itself fails the run."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SKIPPING = {
    "by_call": "import pytest\n\ndef test_it():\n    pytest.skip('no server')\n",
    "by_mark": "import pytest\n\n@pytest.mark.skipif(True, reason='no server')\ndef test_it():\n    pass\n",
    "whole": "import pytest\n\npytest.skip('no server', allow_module_level=True)\n",
    "without_library": "import pytest\n\npytest.importorskip('no_such_library')\n",
}


def test_whatever_skips_itself_fails_in_ci(tmp_path: Path) -> None:
    for name, source in SKIPPING.items():
        (tmp_path / f"test_{name}.py").write_text(source)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-q", str(tmp_path)]
    environment = {**os.environ, "CI": "true"}
    done = subprocess.run(
        [*command, "--continue-on-collection-errors"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    found = set(re.findall(r"test_(\w+)\.py\S* was skipped, and in CI nothing is", done.stdout))
    assert found == set(SKIPPING)
