"""Build the images that the tests start, before the tests and without a time limit.

python tests/docker/image.py
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from stack import build_stand_in, docker, has_postgres

ROOT = Path(__file__).parents[2]
BUILT = "f1-flows:test"


def image() -> str:
    """Build the image, unless F1_IMAGE names one; start an engine where none answers and a script for it is there."""
    try:
        docker("info")
    except AssertionError:
        engine = ROOT.parent / "shared" / "docker" / "engine.sh"
        assert engine.exists(), "no Docker engine answers"
        subprocess.run([engine], check=True)
    if given := os.environ.get("F1_IMAGE"):
        return given
    index = ("--build-arg", "PIP_INDEX_URL", "--build-arg", "PIP_EXTRA_INDEX_URL")
    docker("build", "--network", "host", *index, "--tag", BUILT, str(ROOT), seconds=None, merged=True)
    return BUILT


if __name__ == "__main__":
    print(image(), flush=True)
    if not has_postgres():
        build_stand_in()
